//! Changes of the configuration file that the program makes itself: one value, everything else byte for byte as it was.

use thiserror::Error;
use toml_edit::{DocumentMut, Item, TableLike, Value};

/// Why the file cannot be changed.
#[derive(Debug, Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("this is not TOML: {0}")]
    NotToml(String),
    /// There is no such camera.
    #[error("there is no camera \"{0}\" in it")]
    NoCamera(String),
}

/// The text with `scale_mm_per_px` of a camera set to `scale` (a number as it is to stand there).
///
/// # Errors
/// A text that is not TOML or does not have the camera.
pub fn set_scale(text: &str, camera: &str, scale: &str) -> Result<String, EditError> {
    let mut doc: DocumentMut =
        text.parse().map_err(|e: toml_edit::TomlError| EditError::NotToml(e.message().to_owned()))?;
    let mut value: Value =
        scale.parse().map_err(|e: toml_edit::TomlError| EditError::NotToml(e.message().to_owned()))?;
    let none = || EditError::NoCamera(camera.to_owned());
    let cameras = doc.get_mut("camera").ok_or_else(none)?;
    let inline = cameras.is_value();
    let table = find(cameras, camera).ok_or_else(none)?;
    if let Some(old) = table.get_mut("scale_mm_per_px").and_then(Item::as_value_mut) {
        // A comment behind the number stays behind it.
        *value.decor_mut() = old.decor().clone();
        *old = value;
    } else {
        // The space before the closing brace of a table in one line belongs to its last value.
        if inline && let Some(last) = table.iter_mut().last().and_then(|(_, item)| item.as_value_mut()) {
            if let Some(space) = last.decor().suffix().cloned() {
                value.decor_mut().set_suffix(space);
            }
            last.decor_mut().set_suffix("");
            value.decor_mut().set_prefix(" ");
        }
        table.insert("scale_mm_per_px", Item::Value(value));
    }
    let changed = doc.to_string();
    // The editor knows no carriage returns: where every line had one, every line gets it back.
    let windows = text.contains("\r\n") && text.matches('\n').count() == text.matches("\r\n").count();
    Ok(if windows { changed.replace('\n', "\r\n") } else { changed })
}

/// The camera of this id, whether cameras are tables or stand in a list.
fn find<'a>(cameras: &'a mut Item, id: &str) -> Option<&'a mut dyn TableLike> {
    let is = |t: &dyn TableLike| t.get("id").and_then(Item::as_str) == Some(id);
    match cameras {
        Item::ArrayOfTables(tables) => tables.iter_mut().find(|t| is(*t)).map(|t| t as &mut dyn TableLike),
        Item::Value(Value::Array(list)) => {
            let mut tables = list.iter_mut().filter_map(Value::as_inline_table_mut);
            tables.find(|t| is(*t)).map(|t| t as &mut dyn TableLike)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# the plant\n[[camera]]   # first\nid = \"a\" # east\nscale_mm_per_px = 0.42   # by tape\nrecord = true\n\n\
        [[camera.roi]]\nid = \"r\"\nrect = [ 0, 0,  64, 64 ]\n\n# second\n[[camera]]\nid = \"b\"\n# why\nurl = \"rtsp://h/s\"\n\n\
        [[camera.roi]] # its region\nid = \"q\"\n";

    #[test]
    fn one_number_changes_and_nothing_else() {
        assert_eq!(set_scale(TEXT, "a", "0.5100").unwrap(), TEXT.replace("0.42", "0.5100"));
        let url = "url = \"rtsp://h/s\"\n";
        assert_eq!(set_scale(TEXT, "b", "1.25").unwrap(), TEXT.replace(url, &format!("{url}scale_mm_per_px = 1.25\n")));
        let list = "camera = [{ id = \"a\", url = \"rtsp://h/s\" }] # all\n";
        let want = "camera = [{ id = \"a\", url = \"rtsp://h/s\", scale_mm_per_px = 2.0 }] # all\n";
        assert_eq!(set_scale(list, "a", "2.0").unwrap(), want);
        let windows = TEXT.replace('\n', "\r\n");
        assert_eq!(set_scale(&windows, "a", "0.51").unwrap(), windows.replace("0.42", "0.51"));
    }

    #[test]
    fn what_cannot_be_changed() {
        assert!(matches!(set_scale(TEXT, "c", "1.0"), Err(EditError::NoCamera(_))));
        assert!(matches!(set_scale("", "c", "1.0"), Err(EditError::NoCamera(_))));
        assert!(matches!(set_scale("[[camera", "c", "1.0"), Err(EditError::NotToml(_))));
    }
}
