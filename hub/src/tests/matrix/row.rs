use std::sync::LazyLock;

use anet_protocol::role::Operation;
use axum::http::Method;
use serde_json::Value;

/// A request, and what each caller is answered.
pub(crate) struct Row {
    /// Method and path; `$name` stands for something of the [`World`](super::world::World).
    pub call: &'static str,
    /// JSON with such names; empty for none.
    pub body: &'static str,
    /// What the hub asks the permission table for; `None` where it asks nobody who they are.
    pub operation: Option<Operation>,
    /// A letter per caller, see [`Cell`]; blanks are for the reader.
    pub cells: &'static str,
    /// What an allowed answer contains and no other does; empty for nothing.
    pub shows: &'static str,
}

/// What a caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// `y`: 200, and what the row shows is in it.
    Allowed,
    /// `g`: 200 with the own part, without what the row shows.
    OwnPart,
    /// `4`: 401.
    Unknown,
    /// `3`: 403.
    Forbidden,
    /// `s`: 403 although the rank suffices, because the thing belongs to somebody else.
    AnothersThing,
    /// `n`: 404, as if the network and all in it did not exist.
    Nothing,
    /// `o`: as if the thing did not exist, because only its maker may call it by its id.
    OthersThing,
}

impl Cell {
    fn of(letter: char) -> Self {
        match letter {
            'y' => Self::Allowed,
            'g' => Self::OwnPart,
            '4' => Self::Unknown,
            '3' => Self::Forbidden,
            's' => Self::AnothersThing,
            'n' => Self::Nothing,
            'o' => Self::OthersThing,
            other => panic!("no cell is written {other:?}"),
        }
    }

    /// Whether an answer of this status and code is meant.
    pub(crate) fn is_met_by(self, status: u16, code: &str) -> bool {
        match self {
            Self::Allowed | Self::OwnPart => status == 200,
            Self::Unknown => {
                status == 401 && ["auth_required", "invalid_token", "token_expired", "session_expired"].contains(&code)
            }
            Self::Forbidden => {
                let codes = [
                    "access_denied",
                    "admin_required",
                    "node_token_required",
                    "origin_not_allowed",
                    "permission_denied",
                    "user_token_required",
                ];
                status == 403 && codes.contains(&code)
            }
            Self::AnothersThing => status == 403 && ["permission_denied", "user_token_required"].contains(&code),
            Self::Nothing => status == 404 && code.ends_with("_not_found"),
            // Upstream's status for a rename.
            Self::OthersThing => match code {
                "rename_not_possible" => status == 400,
                code => status == 404 && code.ends_with("_not_found"),
            },
        }
    }
}

impl Row {
    pub(crate) const fn new(
        call: &'static str,
        body: &'static str,
        operation: Operation,
        cells: &'static str,
        shows: &'static str,
    ) -> Self {
        Self { call, body, operation: Some(operation), cells, shows }
    }

    /// A route that asks nobody who they are.
    pub(crate) const fn public(call: &'static str, body: &'static str, cells: &'static str) -> Self {
        Self { call, body, operation: None, cells, shows: "" }
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell> {
        self.cells.chars().filter(|letter| *letter != ' ').map(Cell::of)
    }

    pub(crate) fn method(&self) -> Method {
        self.call.split(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn path(&self) -> &'static str {
        self.call.split_once(' ').unwrap().1
    }

    /// The route of the OpenAPI document that the call comes to: `GET /api/task/{task_id}`.
    pub(crate) fn route(&self) -> &'static str {
        let call = self.call.split('?').next().unwrap();
        // What is written out goes before what varies, as in the router.
        let best = routes().filter(|route| is_of(route, call)).min_by_key(|route| route.matches('{').count());
        best.unwrap_or_else(|| panic!("no route for {}", self.call))
    }
}

fn is_of(route: &str, call: &str) -> bool {
    let (route, call): (Vec<_>, Vec<_>) = (route.split('/').collect(), call.split('/').collect());
    let mut pairs = route.iter().zip(&call);
    route.len() == call.len() && pairs.all(|(part, given)| part == given || part.starts_with('{'))
}

/// Method and path of every route.
pub(crate) fn routes() -> impl Iterator<Item = &'static String> {
    static ROUTES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let of_path = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
        };
        paths.flat_map(of_path).collect()
    });
    ROUTES.iter()
}
