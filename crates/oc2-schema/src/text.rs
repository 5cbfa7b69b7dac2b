//! A schema as text for people.

use serde_json::Value;

/// The document with a line for what fits on one, as JADN files are usually laid out; ends with a line feed.
#[must_use]
pub fn text(document: &Value) -> String {
    let mut text = String::new();
    write(document, 0, 0, &mut text);
    text.push('\n');
    text
}

/// Writes a value at this depth behind what stands on its line already, `n_before` characters with the comma to come.
fn write(value: &Value, depth: usize, n_before: usize, text: &mut String) {
    let on_one_line = value.to_string();
    if depth * INDENT + n_before + on_one_line.chars().count() <= WIDTH {
        text.push_str(&on_one_line);
        return;
    }
    match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| (String::new(), item));
            write_all(['[', ']'], items, depth, text);
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (format!("{}: ", Value::from(name.as_str())), value));
            write_all(['{', '}'], members, depth, text);
        }
        _ => text.push_str(&on_one_line),
    }
}

fn write_all<'a>(
    [open, close]: [char; 2],
    items: impl Iterator<Item = (String, &'a Value)>,
    depth: usize,
    text: &mut String,
) {
    text.push(open);
    for (i, (name, value)) in items.enumerate() {
        if i > 0 {
            text.push(',');
        }
        line(depth + 1, text);
        text.push_str(&name);
        write(value, depth + 1, name.chars().count() + 1, text);
    }
    line(depth, text);
    text.push(close);
}

fn line(depth: usize, text: &mut String) {
    text.push('\n');
    text.push_str(&" ".repeat(depth * INDENT));
}

const INDENT: usize = 2;
const WIDTH: usize = 120;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stands_on_one_line() {
        let long = "x".repeat(WIDTH);
        let document = json!({"a": [1, [2, "b\"c"]], "d": [long, {}], "e": []});
        let expected =
            format!("{{\n  \"a\": [1,[2,\"b\\\"c\"]],\n  \"d\": [\n    \"{long}\",\n    {{}}\n  ],\n  \"e\": []\n}}\n");
        assert_eq!(text(&document), expected);
        assert_eq!(serde_json::from_str::<Value>(&text(&document)).expect("JSON"), document);
    }
}
