#[test]
fn the_document_of_the_routes_is_this() {
    insta::assert_json_snapshot!(crate::openapi());
}
