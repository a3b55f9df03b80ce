//! Who sees which page.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tenancy::commands::{DeleteDomain, DeleteOrganization, DeleteWorkspace, RemoveMember};
use tenancy::policy::ActionRow;
use tenancy::{Action, DomainId, OrganizationId, RoleSet, Settings, catalogue};

use crate::world::{Answer, MARKUP, World, id};

/// Each page of the organization, and what it answers an Admin, a Developer, a Reader, the vendor's staff.
fn pages(world: &World) -> Vec<(String, [u16; 4])> {
    let bob = id("bob");
    let gus = id("gus");
    vec![
        (world.acme(""), [200, 200, 200, 200]),
        (world.acme("/settings"), [200, 200, 200, 200]),
        (world.acme("/members"), [200, 403, 403, 200]),
        (world.acme(&format!("/members/{bob}")), [200, 200, 403, 200]),
        (
            world.acme(&format!("/members/{gus}/remove")),
            [200, 403, 403, 403],
        ),
        (world.acme("/roles"), [200, 200, 200, 200]),
        (world.acme("/roles/new?base=reader"), [200, 200, 200, 200]),
        (world.acme("/workspaces"), [200, 200, 200, 200]),
        (
            world.acme(&format!("/workspaces/{}", world.payments)),
            [200, 200, 200, 200],
        ),
        (
            world.acme(&format!("/domains/{}", world.sandbox)),
            [200, 200, 200, 200],
        ),
        (
            world.acme(&format!("/domains/{}/delete", world.sandbox)),
            [200, 403, 403, 403],
        ),
        (world.acme("/activity"), [200, 403, 403, 200]),
        (world.acme("/why"), [200, 403, 403, 200]),
        (world.acme("/staff"), [404, 404, 404, 200]),
        ("/console".to_owned(), [200, 200, 200, 200]),
    ]
}

#[tokio::test]
async fn every_page_is_shown_to_whoever_may_see_it() {
    let world = World::new().await;
    for (path, expected) in pages(&world) {
        for (who, expected) in ["ann", "bob", "gus", "operator"].into_iter().zip(expected) {
            let answer = world.get(who, &path).await;
            assert_eq!(answer.status.as_u16(), expected, "{who} {path}");
            assert_eq!(answer.body.matches("<h1").count(), 1, "{who} {path}");
            assert!(answer.body.contains("<html lang=\"en\">"), "{who} {path}");
            assert!(answer.body.contains("href=\"#main\""), "{who} {path}");
        }
    }
}

#[tokio::test]
async fn an_outsider_learns_nothing_of_what_exists() {
    let world = World::new().await;
    let random = OrganizationId::new().to_string();
    for (path, _) in pages(&world) {
        if path == "/console" {
            continue;
        }
        let theirs = world.get("dora", &path).await;
        let nowhere = world
            .get("dora", &path.replace(&world.acme.to_string(), &random))
            .await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(theirs.body, nowhere.body, "{path}");
        assert_eq!(theirs.headers, nowhere.headers, "{path}");
    }
    let no_id = world
        .get("dora", "/console/organizations/no-id/members")
        .await;
    let foreign = world.get("dora", &world.acme("/members")).await;
    let no_page = world.get("dora", "/console/no/such/page").await;
    assert_eq!(no_id.body, foreign.body);
    assert_eq!(no_page.body, foreign.body);
}

#[tokio::test]
async fn what_a_member_may_not_see_is_answered_like_what_is_not_there() {
    let world = World::new().await;
    world.joins("cy", tenancy::OrganizationRole::Member).await;
    let hidden = world
        .get(
            "cy",
            &world.acme(&format!("/workspaces/{}", world.payments)),
        )
        .await;
    let nowhere = tenancy::WorkspaceId::new();
    let nowhere = world
        .get("cy", &world.acme(&format!("/workspaces/{nowhere}")))
        .await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    assert_eq!(hidden.body, nowhere.body);
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in() {
    let world = World::new().await;
    let request = Request::get(world.acme("/members"))
        .body(Body::empty())
        .unwrap();
    let answer = world.asks(request).await;
    let there = format!("/sign-in?next={}", world.acme("/members"));
    assert_eq!(answer.leads_to(), there);
}

#[tokio::test]
async fn names_are_text_whatever_is_in_them() {
    let world = World::new().await;
    for path in [
        world.acme("/members"),
        world.acme(&format!("/members/{}", id("gus"))),
        world.acme(&format!("/workspaces/{}", world.payments)),
        world.acme("/activity"),
        world.acme("/why"),
    ] {
        let answer = world.get("ann", &path).await;
        answer.shows("&#60;script&#62;alert(1)");
        answer.lacks("<script");
        answer.lacks(MARKUP);
    }
}

#[tokio::test]
async fn whoever_is_suspended_is_told_so() {
    let world = World::new().await;
    let suspend = tenancy::commands::SuspendMember {
        organization: world.acme,
        user: id("bob"),
    };
    world.does("ann", suspend).await;
    let home = world.get("bob", "/console").await;
    home.shows("Your membership is suspended: an Admin can reinstate it.");
    home.lacks(&format!("href=\"{}\"", world.acme("")));
    assert_eq!(
        world.get("bob", &world.acme("")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_happened_is_said_in_words() {
    let world = World::new().await;
    let answer = world.get("ann", &world.acme("/activity")).await;
    answer
        .shows("Made <bdi class=\"named\">Bob</bdi> Developer of <bdi class=\"named\">Acme</bdi>");
    answer.shows("Created the sandbox domain <bdi class=\"named\">acme-sandbox</bdi>");
}

#[tokio::test]
async fn the_staff_find_an_organization_by_what_they_know_of_it() {
    let world = World::new().await;
    let link = format!("href=\"{}\"", world.acme(""));
    for typed in ["", "acm", "ANN%40acme.example"] {
        let found = world
            .get("operator", &format!("/console?open={typed}"))
            .await;
        found.shows(&link);
    }
    let none = world
        .get("operator", "/console?open=nobody%40acme.example")
        .await;
    none.shows("There is none like that.");
    let ann = world.get("ann", "/console?open=acm").await;
    assert!(!ann.body.contains("Find an organization"));
}

#[tokio::test]
async fn the_staff_are_told_why_somebody_cannot() {
    let world = World::new().await;
    let question = format!(
        "/why?user={}&action=view+server+keys&on={}",
        id("bob"),
        world.sandbox
    );
    let answer = world.get("operator", &world.acme(&question)).await;
    answer.shows("Forbidden: needs organization Admin or workspace Admin");
    answer.shows("In the workspace: Developer.");
}

#[tokio::test]
async fn a_refusal_leaves_the_way_on() {
    let world = World::new().await;
    let answer = world.get("bob", &world.acme("/members")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    answer.shows("You may not view members: ask somebody who is organization Admin");
    answer.shows(&format!("href=\"{}\"", world.acme("/workspaces")));
}

#[tokio::test]
async fn a_large_organization_comes_in_pages_and_is_searched_whole() {
    let world = World::new().await;
    for number in 0..30 {
        world
            .joins(
                &format!("person{number}"),
                tenancy::OrganizationRole::Member,
            )
            .await;
    }
    let first = world.get("ann", &world.acme("/members")).await;
    assert_eq!(first.status, StatusCode::OK);
    let (_, next) = first.body.split_once("/members?after=").unwrap();
    let (cursor, _) = next.split_once('"').unwrap();
    let second = world
        .get("ann", &world.acme(&format!("/members?after={cursor}")))
        .await;
    let rows = |body: &str| body.matches("class=\"person\"").count();
    assert_eq!((rows(&first.body), rows(&second.body)), (25, 8));
    for address in ["person0@", "PERSON29", "bob"] {
        let found = world
            .get("ann", &world.acme(&format!("/members?search={address}")))
            .await;
        assert_eq!(rows(&found.body), 1, "{address}");
    }
    let nobody = world
        .get("ann", &world.acme("/members?search=%3Cb%3Enobody"))
        .await;
    nobody.shows("No member and no invitation has <bdi>&#60;b&#62;nobody</bdi> in it.");
}

#[tokio::test]
async fn somebody_whose_address_changed_lets_the_organization_know() {
    let world = World::new().await;
    let own = world.acme(&format!("/members/{}", id("bob")));
    world
        .get("bob", &own)
        .await
        .lacks("Your address has changed");
    let page = world.get("bob-later", &own).await;
    page.shows("Your address has changed");
    page.shows("robert@acme.example");
    let done = world
        .post("bob-later", &format!("{own}/address"), &[("key", "k")])
        .await;
    assert_eq!(done.leads_to(), format!("{own}?done=saved"));
    world.get("ann", &own).await.shows("robert@acme.example");
    let refused = world
        .post("ann", &format!("{own}/address"), &[("key", "k")])
        .await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_staff_still_see_what_is_left_of_a_deleted_organization() {
    let world = World::new().await;
    for who in ["bob", "gus"] {
        let remove = RemoveMember {
            organization: world.acme,
            user: id(who),
        };
        world.does("ann", remove).await;
    }
    let (organization, workspace, domain) = (world.acme, world.payments, world.sandbox);
    world
        .does(
            "ann",
            DeleteDomain {
                organization,
                domain,
            },
        )
        .await;
    world
        .does(
            "ann",
            DeleteWorkspace {
                organization,
                workspace,
            },
        )
        .await;
    world.does("ann", DeleteOrganization { organization }).await;
    for path in [
        "",
        "/settings",
        "/members",
        "/workspaces",
        "/roles",
        "/activity",
        "/staff",
        "/why",
    ] {
        let answer = world.get("operator", &world.acme(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    }
    let staff = world.get("operator", &world.acme("/staff")).await;
    staff.shows("This organization is deleted.");
    assert!(
        staff
            .element("limits")
            .contains("The organization is deleted")
    );
    let released = [("key", "k"), ("name", "acme-sandbox")];
    let released = world
        .post("operator", &world.acme("/staff/release"), &released)
        .await;
    assert_eq!(released.leads_to(), world.acme("/staff?done=released"));
    assert_eq!(
        world.get("ann", &world.acme("")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn long_lists_of_a_workspace_and_of_invitations_come_in_pages() {
    let world = World::new().await;
    let emails: Vec<_> = (0..60)
        .map(|number| format!("new{number}@acme.example"))
        .collect();
    let emails = emails.join("\n");
    let fields = [("key", "k"), ("emails", &emails), ("role", "reader")];
    let path = world.acme(&format!("/workspaces/{}", world.payments));
    world
        .post("ann", &format!("{path}/invite"), &fields)
        .await
        .leads_to();
    for path in [path, world.acme("/members")] {
        let first = world.get("ann", &path).await;
        let pending = |answer: &Answer| answer.body.matches("Pending</span>").count();
        assert_eq!(pending(&first), 50, "{path}");
        let (_, rest) = first
            .body
            .split_once("More invitations")
            .map(|(before, _)| before)
            .unwrap()
            .rsplit_once("href=\"")
            .unwrap();
        let (next, _) = rest.split_once('"').unwrap();
        let second = world.get("ann", next).await;
        assert_eq!(pending(&second), 10, "{next}");
    }
    let found = world
        .get("ann", &world.acme("/members?search=new59@"))
        .await;
    found.shows("new59@acme.example");
    found.lacks("new58@acme.example");
    // What a cursor isn't begins at the first page.
    for cursor in ["nonsense", "%00", "1.2.3"] {
        for list in [
            "/members?after=",
            "/members?invited=",
            "/activity?after=",
            "/workspaces?after=",
        ] {
            let answer = world
                .get("ann", &world.acme(&format!("{list}{cursor}")))
                .await;
            assert_eq!(answer.status, StatusCode::OK, "{list}{cursor}");
        }
    }
}

/// What a host lets people do with its own things.
#[derive(Clone, Copy)]
struct Deploy;

impl Deploy {
    const ALL: [Self; 1] = [Self];

    const fn row(self) -> ActionRow {
        let Self = self;
        ActionRow::new("start a <deployment>", RoleSet::WORKSPACE_ADMIN).with_code(64)
    }
}

impl Action for Deploy {
    type On = (OrganizationId, DomainId);

    fn allowed(&self) -> RoleSet {
        self.row().allowed()
    }

    fn phrase(&self) -> &'static str {
        self.row().phrase()
    }
}

#[tokio::test]
async fn a_hosts_own_actions_are_rows_of_the_matrix_and_can_be_added() {
    let settings = Settings {
        catalogue: catalogue!(Deploy),
        ..Settings::default()
    };
    let world = World::of(settings).await;
    let matrix = world.get("ann", &world.acme("/roles")).await;
    matrix.shows("Start a &#60;deployment&#62;");
    let new = world
        .get("ann", &world.acme("/roles/new?base=reader"))
        .await;
    new.shows("Start a &#60;deployment&#62;, sandbox");
    let fields = [
        ("key", "k"),
        ("name", "Deployer"),
        ("base", "reader"),
        ("adds", "64"),
    ];
    world
        .post("ann", &world.acme("/roles"), &fields)
        .await
        .leads_to();
    let matrix = world.get("ann", &world.acme("/roles")).await;
    matrix.shows("start a &#60;deployment&#62; (sandbox)");
}
