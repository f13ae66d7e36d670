//! Chat templates of models, and prompt templates of one's own.

use indieval::prompt::{ChatSpec, ChatTemplate, Turn};
use indieval::scoring::Method;

use crate::Run;
use crate::scratch::{Scratch, choose};

/// A chat template: the frame that it puts around a message, and conversations.
pub fn chat() -> Run {
    let turn = |role: &str, content: &str| Turn {
        role: role.to_owned(),
        content: content.to_owned(),
    };
    let turns = [
        turn("system", "Answer \"A\" or 'B'."),
        turn("user", "Which one?\n"),
        turn("assistant", " A"),
        turn("user", "{{ 1 }} <|im_end|>"),
        turn("assistant", "B\t"),
    ];
    Box::new(move |input| {
        let source = String::from_utf8_lossy(input);
        let Ok(template) = ChatTemplate::new(&source, "<s>", "</s>", ChatSpec::default()) else {
            return;
        };
        if let Ok(frame) = template.frame() {
            // What a frame says is what the template does.
            let message = "What matters most to you?";
            let framed = format!("{}{message}{}", frame.before, frame.after);
            assert_eq!(template.render(message).ok(), Some(framed));
        }
        let _ = template.render_conversation(&turns);
        let _ = template.render_conversation(&turns[..4]);
    })
}

/// A prompt template of one's own, for each method.
pub fn template() -> Run {
    let scratch = Scratch::empty("template");
    Box::new(move |input| {
        choose(input, Method::ALL.len(), |which, text| {
            scratch.with("own.txt", text, |folder| {
                let _ = Method::ALL[which].prompt(Some(&folder.join("own.txt")));
            });
        });
    })
}
