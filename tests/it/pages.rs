//! What all pages share, asked as a browser asks.

db_test!(
    a_page_that_does_not_exist_is_a_page_in_japanese_unless_english_was_chosen,
    |app| {
        let browser = app.browser();
        let page = browser.get("/nothing").await.expect(404);
        page.says("<html lang=\"ja\">");
        page.says("route_not_found");
        page.says("href=\"/nothing?lang=en\"");
        let page = browser.get("/nothing?lang=en").await.expect(404);
        page.says("<html lang=\"en\">");
        browser.get("/nothing").await.expect(404).says("<html lang=\"en\">");
    }
);

db_test!(a_program_that_asks_for_a_page_is_answered_as_a_program, |app| {
    app.anon().get("/openapi-nothing").await.problem(404, "route_not_found");
    let page = app.browser().get("/api/v1/nothing").await.expect(404);
    assert_eq!(page.header("content-type"), "application/problem+json");
});

db_test!(the_style_sheet_is_ours_and_loads_nothing, |app| {
    let page = app.browser().get("/assets/kakunin.css").await.expect(200);
    assert_eq!(page.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(page.header("cache-control"), "public, max-age=86400");
    page.is_silent_about("url(");
    page.is_silent_about("@import");
});
