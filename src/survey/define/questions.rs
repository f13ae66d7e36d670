//! The questions of a definition as text.

use std::fmt::{Result, Write as _};

use super::columns::ColumnKind;
use super::writer::{DefinitionWriter, key, quoted, scale_name};
use crate::survey::file::ColumnOverview;

/// A line of names is about so long.
const WIDTH: usize = 100;

type QuestionColumn<'a> = (&'a ColumnOverview, &'a ColumnKind);

/// What the columns of a block share: category and place of the scale.
type Shared = Option<(String, usize)>;

impl DefinitionWriter<'_> {
    /// All questions; those of one scale and one category in one block.
    pub(super) fn questions(&self, out: &mut String) -> Result {
        for block in self.blocks() {
            match block[..] {
                [(column, kind)] => self.question(column, kind, out)?,
                _ => self.block(&block, out)?,
            }
        }
        Ok(())
    }

    /// Columns that differ in nothing but name and wording, in the order of the first of each. None is empty.
    fn blocks(&self) -> Vec<Vec<QuestionColumn<'_>>> {
        let mut blocks: Vec<(Shared, Vec<QuestionColumn<'_>>)> = Vec::new();
        for (column, kind) in self.columns() {
            let shared = match kind {
                ColumnKind::Question { answers, .. } if can_be_listed(column) => {
                    Some((self.category(column), self.scales.place(answers)))
                }
                _ => None,
            };
            match blocks.iter_mut().find(|(of, _)| of.is_some() && *of == shared) {
                Some((_, block)) => block.push((column, kind)),
                None => blocks.push((shared, vec![(column, kind)])),
            }
        }
        blocks.into_iter().map(|(_, block)| block).collect()
    }

    /// Several questions, alike in all but name and wording.
    fn block(&self, block: &[QuestionColumn<'_>], out: &mut String) -> Result {
        let bare = block.iter().any(|(column, _)| wording(column).is_none());
        let note = match bare {
            true => "        # CHECK: the wording, under `text`; without it a question reads as its column's name",
            false => "",
        };
        writeln!(out, "\n[[questions]]\ncolumns = [{note}")?;
        let mut line = String::from("   ");
        for (column, _) in block {
            let name = quoted(&column.name);
            if line.len() > 4 && line.len() + name.len() + 2 > WIDTH {
                writeln!(out, "{line}")?;
                line.truncate(3);
            }
            write!(line, " {name},")?;
        }
        writeln!(out, "{line}\n]")?;
        if let Some((column, kind)) = block.first() {
            writeln!(out, "category = {}        # CHECK", quoted(&self.category(column)))?;
            self.scale_of(kind, out)?;
        }
        for (column, _) in block {
            if let Some(text) = wording(column) {
                let name = key(&column.name);
                writeln!(out, "text.{name} = {}        # CHECK: the wording", quoted(text))?;
            }
        }
        Ok(())
    }

    fn question(&self, column: &ColumnOverview, kind: &ColumnKind, out: &mut String) -> Result {
        writeln!(out, "\n[[question]]\nid = {}", quoted(&self.id(column)))?;
        if column.repeated {
            let place = self.place(column);
            writeln!(
                out,
                "column = \"#{place}\"        # several columns are called {}",
                quoted(&column.name)
            )?;
        }
        writeln!(out, "category = {}        # CHECK", quoted(&self.category(column)))?;
        let text = wording(column).unwrap_or(&column.name);
        writeln!(out, "text = {}        # CHECK: the wording", quoted(text))?;
        match kind {
            ColumnKind::Options(options) => {
                let options: Vec<String> = options.iter().map(|option| quoted(option)).collect();
                writeln!(
                    out,
                    "type = \"multi\"\nseparator = \";\"\noptions = [{}]",
                    options.join(", ")
                )
            }
            _ => self.scale_of(kind, out),
        }
    }

    fn scale_of(&self, kind: &ColumnKind, out: &mut String) -> Result {
        match kind {
            ColumnKind::Question { answers, .. } => {
                writeln!(out, "scale = {}", quoted(&scale_name(self.scales.place(answers))))
            }
            _ => Ok(()),
        }
    }

    /// The column's number in the file, from 1.
    fn place(&self, column: &ColumnOverview) -> usize {
        let columns = &self.table.columns;
        columns
            .iter()
            .position(|other| std::ptr::eq(other, column))
            .unwrap_or(0)
            + 1
    }

    fn id(&self, column: &ColumnOverview) -> String {
        let place = self.place(column);
        match column.repeated || column.name.is_empty() {
            true => format!("{} ({place})", column.name).trim().to_owned(),
            false => column.name.clone(),
        }
    }
}

/// Whether `columns` can name a column: by a name that no other has, and that is no range of names.
fn can_be_listed(column: &ColumnOverview) -> bool {
    let name = &column.name;
    !column.repeated && !name.is_empty() && !name.contains(" .. ") && !name.contains('\n')
}

/// The question as the file words it, where it does.
fn wording(column: &ColumnOverview) -> Option<&str> {
    let text = column.text.trim();
    (!text.is_empty() && text != column.name).then_some(text)
}
