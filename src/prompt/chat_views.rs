//! What `keys()`, `values()` and `items()` give: views, which Python writes, counts and looks into in its own way.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr, Tuple};

/// The keys, values or entries of an object: iterable, of a known length, and no sequence.
#[derive(Debug)]
pub(super) struct DictView {
    /// What Python calls it.
    pub(super) name: &'static str,
    pub(super) items: Vec<Value>,
}

impl DictView {
    /// What a method of an object gives, where it is one of the three.
    pub(super) fn of(object: &Value, method: &str) -> Result<Option<Self>, minijinja::Error> {
        let name = match method {
            "keys" => "dict_keys",
            "values" => "dict_values",
            "items" => "dict_items",
            _ => return Ok(None),
        };
        let items = object.try_iter()?.map(|key| {
            Ok(match name {
                "dict_keys" => key,
                "dict_values" => object.get_item(&key)?,
                _ => {
                    let value = object.get_item(&key)?;
                    Value::from(Tuple::from([key, value]))
                }
            })
        });
        let items = items.collect::<Result<_, minijinja::Error>>()?;
        Ok(Some(Self { name, items }))
    }
}

impl Object for DictView {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items.clone())
    }
}

/// The view that a value is.
pub(super) fn view(value: &Value) -> Option<&DictView> {
    value.downcast_object_ref()
}
