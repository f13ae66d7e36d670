//! Who is in the whole run, put together from what its parts say.

use std::collections::HashMap;

use super::source::Source;
use crate::metrics::{BaselineTable, Person, SecondAnswer};
use crate::run::{Header, PeopleFile, RunError, Shard, ShardError};

/// The people of the whole run, and where the records of each are.
pub(super) struct MergedPeople {
    /// What becomes people.json.
    pub file: PeopleFile,
    /// For each person the shard, as a position among the shards; none where the run has them in one piece.
    pub from: Vec<Option<usize>>,
}

/// What is left of the people of one part.
struct PeopleLeft {
    people: std::vec::IntoIter<Person>,
    baselines: BaselineTable,
    /// Rows of them that were passed on.
    told: usize,
    again: std::iter::Peekable<std::vec::IntoIter<SecondAnswer>>,
}

/// What is told of people besides themselves.
type ToldOfPeople = (BaselineTable, Vec<SecondAnswer>);

impl PeopleLeft {
    fn take(source: &mut Source) -> Self {
        let (people, baselines, again) = source.reader.take_people();
        Self {
            people: people.into_iter(),
            baselines,
            told: 0,
            again: again.into_iter().peekable(),
        }
    }

    /// The next person, with the baselines and second answers of the same.
    fn next(&mut self, told: &mut ToldOfPeople) -> Option<Person> {
        let person = self.people.next()?;
        self.told = told.0.take_of(&person.id, &self.baselines, self.told);
        while let Some(row) = self.again.next_if(|row| row.respondent == person.id) {
            told.1.push(row);
        }
        Some(person)
    }
}

impl MergedPeople {
    /// Puts them together in the order of the plan.
    ///
    /// # Errors
    /// A part with too few or too many people, with a person of another part, or with other questions or groups.
    pub fn gather(run: &mut Option<Source>, shards: &mut [Source], header: &Header) -> Result<Self, RunError> {
        let questions = PeopleFile {
            people: Vec::new(),
            baselines: BaselineTable::default(),
            second_answers: Vec::new(),
            ..shards[0].reader.people().clone()
        };
        let mut whole = Self {
            file: questions,
            from: Vec::with_capacity(header.respondents),
        };
        for source in run.iter().chain(shards.iter()) {
            whole.same_questions(source)?;
        }
        let mut of_run = run.as_mut().map(PeopleLeft::take);
        let mut parts: Vec<PeopleLeft> = shards.iter_mut().map(PeopleLeft::take).collect();
        let mut told = ToldOfPeople::default();
        for position in 0..header.respondents {
            let at = Shard::at(position, shards.len());
            let skipped = shards[at].skipped();
            let dropped = &mut ToldOfPeople::default();
            // Whoever is in a shard stands in people.json of a run that was begun in one piece as well.
            let in_run = of_run.as_mut();
            let person = match position < skipped {
                true => in_run.and_then(|part| part.next(&mut told)),
                false => {
                    let person = parts[at].next(&mut told);
                    let also = in_run.and_then(|part| part.next(dropped));
                    if let (Some(person), Some(also)) = (&person, also)
                        && *person != also
                    {
                        let what = format!("it has {} where people.json of the run has {}", person.id, also.id);
                        return Err(foreign(&shards[at], what));
                    }
                    person
                }
            };
            let Some(person) = person else {
                return Err(match position < skipped {
                    true => shrunk(run.as_ref(), &shards[at], position),
                    false => foreign(&shards[at], "people.json has fewer people than the shard".to_owned()),
                });
            };
            whole.file.people.push(person);
            whole.from.push((position >= skipped).then_some(at));
        }
        if let Some(at) = parts.iter_mut().position(|part| part.people.next().is_some()) {
            return Err(foreign(
                &shards[at],
                "people.json has more people than the shard".to_owned(),
            ));
        }
        (whole.file.baselines, whole.file.second_answers) = told;
        whole.once(shards, run.as_ref())?;
        Ok(whole)
    }

    fn same_questions(&self, source: &Source) -> Result<(), RunError> {
        let other = source.reader.people();
        let same = (&self.file.categories, &self.file.questions, &self.file.dimensions)
            == (&other.categories, &other.questions, &other.dimensions);
        match same && self.file.synthetic == other.synthetic {
            true => Ok(()),
            false => Err(foreign(
                source,
                "people.json has other questions or groups than elsewhere".to_owned(),
            )),
        }
    }

    /// Everybody stands in one place.
    fn once(&self, shards: &[Source], run: Option<&Source>) -> Result<(), RunError> {
        let mut seen = HashMap::with_capacity(self.file.people.len());
        for (person, from) in self.file.people.iter().zip(&self.from) {
            let folder = |from: Option<usize>| {
                from.map_or(run, |at| shards.get(at))
                    .map(|source| source.folder.clone())
            };
            if let Some(before) = seen.insert(&person.id, *from) {
                return Err(ShardError::Twice {
                    folder: folder(*from).unwrap_or_default(),
                    respondent: person.id.clone(),
                    other: folder(before).unwrap_or_default(),
                    how: "",
                }
                .into());
            }
        }
        Ok(())
    }
}

fn shrunk(run: Option<&Source>, shard: &Source, have: usize) -> RunError {
    let need = shard.skipped();
    let folder = run.map_or_else(
        || shard.folder.ancestors().nth(2).unwrap_or(&shard.folder).to_owned(),
        |run| run.folder.clone(),
    );
    ShardError::Shrunk { folder, have, need }.into()
}

fn foreign(source: &Source, problem: String) -> RunError {
    let folder = source.folder.clone();
    ShardError::Foreign { folder, problem }.into()
}
