//! Ends of lines: `\n`, `\r\n` and the lone `\r` of old spreadsheets all become `\n`.

use std::io::{self, Read};

/// A stream in which every line ends in `\n`, so that lines are counted alike whoever wrote the file.
pub(super) struct LineEndings<R> {
    input: R,
    /// The last byte read was a `\r`, which stands for a `\n` that follows as well.
    after_return: bool,
}

impl<R> LineEndings<R> {
    pub(super) const fn new(input: R) -> Self {
        Self {
            input,
            after_return: false,
        }
    }

    /// Replaces ends of lines in `bytes`; how many are left.
    fn replace(&mut self, bytes: &mut [u8]) -> usize {
        if !self.after_return && !bytes.contains(&b'\r') {
            return bytes.len();
        }
        let mut kept = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if !second_half {
                bytes[kept] = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
        }
        kept
    }
}

impl<R: Read> Read for LineEndings<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.input.read(buffer)?;
            if read == 0 {
                return Ok(0);
            }
            let kept = self.replace(&mut buffer[..read]);
            // Nothing is left of a `\n` on its own behind a `\r`; 0 would say that the file ends here.
            if kept > 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_line_is_one_newline_wherever_a_read_stops() {
        let text = b"a\r\nb\rc\n\r\n\r\r\nd\r";
        for size in 1..=text.len() {
            let mut read = Vec::new();
            let mut lines = LineEndings::new(text.as_slice());
            let mut buffer = vec![0; size];
            loop {
                let count = lines.read(&mut buffer).unwrap();
                if count == 0 {
                    break;
                }
                read.extend_from_slice(&buffer[..count]);
            }
            assert_eq!(read, b"a\nb\nc\n\n\n\nd\n", "in pieces of {size}");
        }
    }
}
