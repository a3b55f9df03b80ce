//! Every control that is disabled says why, before anybody presses it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use tenancy::commands::{SetLimits, SuspendOrganization};
use tenancy::{Limits, OrganizationRole};

use crate::world::{Answer, World, id};

/// Each disabled control points at a sentence that is there.
#[track_caller]
fn explains_each_disabled_control(answer: &Answer) -> usize {
    let mut count = 0;
    for tag in answer.body.split('<').filter(|tag| {
        let tag = tag.split('>').next().unwrap_or_default();
        tag.contains(" disabled") && !tag.starts_with("option")
    }) {
        let tag = tag.split('>').next().unwrap_or_default();
        let (_, ids) = tag
            .split_once("aria-describedby=\"")
            .unwrap_or_else(|| panic!("<{tag}>"));
        let (ids, _) = ids.split_once('"').unwrap();
        for id in ids.split(' ') {
            assert!(
                answer.body.contains(&format!("id=\"{id}\">")),
                "no {id} for <{tag}>"
            );
        }
        count += 1;
    }
    count
}

#[tokio::test]
async fn every_disabled_control_of_every_page_has_its_sentence() {
    let world = World::new().await;
    world.joins("cy", OrganizationRole::Accounting).await;
    let mut seen = 0;
    for who in ["ann", "bob", "cy", "gus", "operator"] {
        for path in [
            "/console".to_owned(),
            world.acme("/settings"),
            world.acme("/members"),
            world.acme(&format!("/members/{}", id("bob"))),
            world.acme("/roles"),
            world.acme("/roles/new?base=reader"),
            world.acme("/workspaces"),
            world.acme(&format!("/workspaces/{}", world.payments)),
            world.acme(&format!("/domains/{}", world.sandbox)),
            world.acme("/staff"),
        ] {
            seen += explains_each_disabled_control(&world.get(who, &path).await);
        }
    }
    assert!(seen > 100, "{seen}");
}

#[tokio::test]
async fn the_last_admin_reads_why_they_cannot_leave() {
    let world = World::new().await;
    let page = world.get("ann", &world.acme("/settings")).await;
    let leave = page.element("leave");
    assert!(leave.contains("disabled"), "{leave}");
    assert!(leave.contains("last Admin"), "{leave}");
    let own = world.get("ann", &world.acme("/members")).await;
    let role = own.element(&format!("role-{}", id("ann")));
    assert!(role.contains("last Admin"), "{role}");
    assert!(
        !own.element(&format!("role-{}", id("bob")))
            .contains("disabled")
    );
}

#[tokio::test]
async fn what_a_role_does_not_permit_says_which_role_would() {
    let world = World::new().await;
    let page = world.get("bob", &world.acme("/settings")).await;
    let rename = page.element("rename");
    assert!(rename.contains("disabled"), "{rename}");
    assert!(
        rename.contains(
            "You may not rename the organization: ask somebody who is organization Admin."
        )
    );
    assert!(!page.element("leave").contains("disabled"));
}

#[tokio::test]
async fn limits_are_said_before_they_are_run_into() {
    let world = World::new().await;
    let page = world.get("ann", &world.acme("/workspaces")).await;
    let create = page.element("create");
    assert!(
        create.contains("The organization has 1 of 1 workspace"),
        "{create}"
    );
    let limits = SetLimits {
        organization: world.acme,
        limits: Limits {
            seats: Some(3),
            ..Limits::UNLIMITED
        },
        workspace_quota: None,
    };
    world.does("operator", limits).await;
    let page = world.get("ann", &world.acme("/members")).await;
    // Accounting needs no seat, so the form is there, and says what can't be chosen.
    page.shows("No seat is left of 3");
}

#[tokio::test]
async fn what_blocks_a_deletion_is_linked() {
    let world = World::new().await;
    let page = world
        .get(
            "ann",
            &world.acme(&format!("/workspaces/{}", world.payments)),
        )
        .await;
    page.shows("<a href=\"#domains\">1 domain</a>");
    page.shows("<a href=\"#people\">2 other members</a>");
    assert!(
        page.element("delete")
            .contains("The workspace still holds 1 domain and 2 other members")
    );
}

#[tokio::test]
async fn a_suspended_organization_says_so_on_each_control() {
    let world = World::new().await;
    let suspend = SuspendOrganization {
        organization: world.acme,
        reason: "invoice 7 is open".parse().unwrap(),
    };
    world.does("operator", suspend).await;
    let page = world.get("ann", &world.acme("/settings")).await;
    page.shows("invoice 7 is open");
    assert!(
        page.element("rename")
            .contains("The organization is suspended (invoice 7 is open)")
    );
    assert!(!page.element("invoicing").contains("disabled"));
}

#[tokio::test]
async fn reserved_actions_are_pale_and_say_why() {
    let world = World::new().await;
    let page = world
        .get("ann", &world.acme("/roles/new?base=member"))
        .await;
    page.shows("Reserved to the built-in roles: power over people, roles and limits.");
    page.shows("Member may do it already.");
}
