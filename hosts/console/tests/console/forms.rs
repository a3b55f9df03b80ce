//! Forms: done once, or back as they were.

use axum::http::StatusCode;
use tenancy::commands::SetWorkspaceQuota;
use tenancy::{OrganizationRole, Paging};

use crate::world::{World, actor, id};

#[tokio::test]
async fn a_double_click_does_it_once() {
    let world = World::new().await;
    let quota = SetWorkspaceQuota {
        organization: world.acme,
        quota: 5,
    };
    world.does("operator", quota).await;
    let fields = [("key", "the-same-form"), ("name", "Risk")];
    let first = world.post("ann", &world.acme("/workspaces"), &fields).await;
    let second = world.post("ann", &world.acme("/workspaces"), &fields).await;
    assert_eq!(first.leads_to(), second.leads_to());
    let all = world
        .tenancy
        .workspaces(&actor("ann"), world.acme, Paging::first(10))
        .await;
    assert_eq!(all.unwrap().items.len(), 2);
}

#[tokio::test]
async fn a_form_that_was_changed_after_it_was_sent_is_not_taken_for_the_same() {
    let world = World::new().await;
    let rename = world.acme("/rename");
    world
        .post("ann", &rename, &[("key", "k"), ("name", "Acme SAS")])
        .await;
    let other = world
        .post("ann", &rename, &[("key", "k"), ("name", "Acme GmbH")])
        .await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    other.shows("This form was sent before, with other contents.");
}

#[tokio::test]
async fn a_form_without_its_key_does_nothing() {
    let world = World::new().await;
    let answer = world
        .post("ann", &world.acme("/rename"), &[("name", "Acme SAS")])
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    answer.shows("The form came without its key");
}

#[tokio::test]
async fn every_form_of_every_page_has_a_key_of_its_own() {
    let world = World::new().await;
    let page = world.get("ann", &world.acme("/members")).await;
    let keys: Vec<_> = page.body.split("name=\"key\" value=\"").skip(1).collect();
    let keys: Vec<_> = keys.iter().map(|rest| rest.get(..36).unwrap()).collect();
    let mut distinct = keys.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), keys.len());
    assert_eq!(keys.len(), page.body.matches("method=\"post\"").count());
}

#[tokio::test]
async fn bad_input_comes_back_as_it_was_typed() {
    let world = World::new().await;
    let fields = [
        ("key", "k"),
        ("legal_name", "Acme <b>A/S</b>"),
        ("registration_number", "bad\u{202e}number"),
        ("vat_number", "DK1"),
        ("address", "1 Street\nbad\u{7}line"),
    ];
    let answer = world.post("ann", &world.acme("/company"), &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.shows("value=\"Acme &#60;b&#62;A/S&#60;/b&#62;\"");
    answer.shows("value=\"DK1\"");
    answer.shows("id=\"company-registration_number-error\"");
    answer.shows("aria-describedby=\"company-registration_number-error\" aria-invalid=\"true\"");
    answer.shows("id=\"company-address-error\"");
    answer.lacks("id=\"company-vat_number-error\"");
    answer.shows("role=\"alert\"");
}

#[tokio::test]
async fn a_refusal_comes_back_on_the_same_page_at_its_field() {
    let world = World::new().await;
    let quota = SetWorkspaceQuota {
        organization: world.acme,
        quota: 5,
    };
    world.does("operator", quota).await;
    let fields = [("key", "k"), ("name", "ACME")];
    let answer = world.post("ann", &world.acme("/workspaces"), &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    answer.shows("A workspace named “ACME” exists: choose another name.");
    answer.shows("value=\"ACME\"");
    answer.shows("aria-invalid=\"true\"");
}

#[tokio::test]
async fn many_are_invited_and_each_line_says_what_came_of_it() {
    let world = World::new().await;
    let emails = "cy@acme.example\nnot an address\nbob@acme.example\n\ncy@acme.example";
    let fields = [("key", "k"), ("emails", emails), ("role", "member")];
    let answer = world
        .post("ann", &world.acme("/members/invite"), &fields)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.shows("1 invited, 3 not: each line says why.");
    answer.shows("This is no e-mail address: check how it is written.");
    answer.shows("The address stands in line 1 already");
    // What is left to do stays in the form.
    answer.shows("not an address\nbob@acme.example\ncy@acme.example</textarea>");
}

#[tokio::test]
async fn roles_are_changed_given_and_taken() {
    let world = World::new().await;
    let bob = id("bob");
    let change = world.acme(&format!("/members/{bob}/role"));
    let done = world
        .post("ann", &change, &[("key", "1"), ("role", "accounting")])
        .await;
    assert_eq!(
        done.leads_to(),
        format!("{}?done=role", world.acme("/members"))
    );
    let there = world.acme(&format!("/members/{bob}/workspaces/{}", world.payments));
    let done = world
        .post("ann", &there, &[("key", "2"), ("role", "admin")])
        .await;
    assert_eq!(
        done.leads_to(),
        world.acme(&format!("/members/{bob}?done=role"))
    );
    let person = world
        .get("ann", &world.acme(&format!("/members/{bob}")))
        .await;
    person.shows("Accounting");
    world
        .post("ann", &there, &[("key", "3"), ("role", "")])
        .await;
    let person = world
        .tenancy
        .person(&actor("ann"), world.acme, bob)
        .await
        .unwrap();
    assert_eq!(person.member.role, OrganizationRole::Accounting);
    assert_eq!(person.workspaces.unwrap().len(), 0);
}

#[tokio::test]
async fn a_role_of_ones_own_is_defined_from_the_boxes_that_are_ticked() {
    let world = World::new().await;
    // 9: the audit trail. 34: configure domains in the sandbox.
    let fields = [
        ("key", "k"),
        ("name", "Auditor"),
        ("base", "member"),
        ("adds", "9"),
        ("adds", "34"),
    ];
    let done = world.post("ann", &world.acme("/roles"), &fields).await;
    assert_eq!(done.leads_to(), world.acme("/roles?done=defined"));
    let page = world.get("ann", &world.acme("/roles")).await;
    page.shows("view the audit trail");
    page.shows("configure the domain (sandbox)");
    let taken = [
        ("key", "l"),
        ("name", "auditor"),
        ("base", "member"),
        ("adds", "9"),
    ];
    let taken = world.post("ann", &world.acme("/roles"), &taken).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    taken.shows("value=\"9\" checked");
    taken.shows("value=\"auditor\"");
}

#[tokio::test]
async fn the_staff_set_limits_and_nobody_else() {
    let world = World::new().await;
    let fields = [
        ("key", "k"),
        ("workspaces", "3"),
        ("seats", "25"),
        ("domains", ""),
        ("domains_per_workspace", "2"),
    ];
    let path = world.acme("/staff/limits");
    let refused = world.post("ann", &path, &fields).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let wrong = world
        .post("operator", &path, &[("key", "w"), ("workspaces", "many")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.shows("value=\"many\"");
    let done = world.post("operator", &path, &fields).await;
    assert_eq!(done.leads_to(), world.acme("/staff?done=saved"));
    let shown = world.get("ann", &world.acme("/members")).await;
    shown.shows("Seats: 3 of 25");
    let staff = world.get("operator", &path.replace("/limits", "")).await;
    staff.shows("name=\"domains_per_workspace\" type=\"text\" inputmode=\"numeric\" value=\"2\"");
    let usage = world
        .tenancy
        .usage(&actor("ann"), world.acme)
        .await
        .unwrap();
    assert_eq!(
        (usage.workspaces.limit, usage.domains.limit),
        (Some(3), None)
    );
}

#[tokio::test]
async fn an_end_is_the_last_day_that_counts() {
    let world = World::new().await;
    let path = world.acme(&format!("/members/{}/end", id("bob")));
    let wrong = world
        .post("ann", &path, &[("key", "1"), ("until", "tomorrow")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.shows("A day is written as 2026-12-31.");
    world
        .post("ann", &path, &[("key", "2"), ("until", "2999-12-31")])
        .await
        .leads_to();
    let page = world
        .get("ann", &world.acme(&format!("/members/{}", id("bob"))))
        .await;
    page.shows("value=\"2999-12-31\"");
    page.shows("after 31 Dec 2999");
    world
        .post("ann", &path, &[("key", "3"), ("until", "")])
        .await
        .leads_to();
    let page = world.get("ann", &world.acme("/members")).await;
    page.lacks("2999");
}

#[tokio::test]
async fn who_is_removed_is_asked_about_first() {
    let world = World::new().await;
    let path = world.acme(&format!("/members/{}/remove", id("bob")));
    let asked = world.get("ann", &path).await;
    asked.shows("Remove Bob?");
    asked.shows("The membership as Member");
    asked.shows("Developer of Acme");
    let done = world.post("ann", &path, &[("key", "k")]).await;
    assert_eq!(done.leads_to(), world.acme("/members?done=removed"));
    assert_eq!(
        world.get("bob", &world.acme("")).await.status,
        StatusCode::NOT_FOUND
    );
}
