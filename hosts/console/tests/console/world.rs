//! A company and its people, behind a router.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use core::num::NonZeroU32;
use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, GiveWorkspaceRole, InviteToOrganization,
    Request as Commands,
};
use tenancy::store::{Directory, Item, List, MemoryRepository};
use tenancy::token::LinkKey;
use tenancy::{
    Actor, DomainId, DomainKind, Mail, Operator, OrganizationId, OrganizationRole, Settings,
    Tenancy, UserId, VerifiedEmail, Version, WorkspaceId, WorkspaceRole,
};
use tenancy_axum::{Host, People, Rejection};
use tenancy_console::{Console, router};
use tower::ServiceExt;

/// What Gus is called.
pub(crate) const MARKUP: &str = "Gus <script>alert(1)</script> \"&' O'Neil";

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) tenancy: Arc<Tenancy<MemoryRepository>>,
    pub(crate) acme: OrganizationId,
    pub(crate) payments: WorkspaceId,
    pub(crate) sandbox: DomainId,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) fn id(who: &str) -> UserId {
    UserId::from_external(who)
}

pub(crate) fn actor(who: &str) -> Actor {
    match who {
        "operator" => Actor::Operator(Operator::attest("Sam".parse().unwrap())),
        "bob-later" => {
            let email = "robert@acme.example".parse().unwrap();
            Actor::user(id("bob"), VerifiedEmail::attest(email))
        }
        who => {
            let email = format!("{who}@acme.example").parse().unwrap();
            Actor::user(id(who), VerifiedEmail::attest(email))
        }
    }
}

impl Host for World {
    type Store = MemoryRepository;

    fn tenancy(&self) -> &Tenancy<MemoryRepository> {
        &self.tenancy
    }

    async fn sign_in(&self, request: &Parts) -> Result<Actor, Rejection> {
        let who = request
            .headers
            .get("x-who")
            .ok_or_else(Rejection::signed_out)?;
        Ok(actor(who.to_str().unwrap()))
    }
}

impl People for World {
    async fn names(&self, users: &[UserId]) -> HashMap<UserId, String> {
        let known = [
            ("ann", "Ann"),
            ("bob", "Bob"),
            ("gus", MARKUP),
            ("dora", "Dora"),
        ];
        let known = known.map(|(who, name)| (id(who), name.to_owned()));
        known
            .into_iter()
            .filter(|(user, _)| users.contains(user))
            .collect()
    }
}

impl World {
    /// Acme, with Ann as Admin, Bob as Developer and Gus as Reader of its workspace Payments. Dora belongs to nothing.
    pub(crate) async fn new() -> Self {
        Self::of(Settings::default()).await
    }

    /// The same in a host with settings of its own.
    pub(crate) async fn of(settings: Settings) -> Self {
        let tenancy = Arc::new(
            Tenancy::new(MemoryRepository::new())
                .with_settings(settings)
                .with_link_keys([LinkKey::new([7; 32])]),
        );
        let create = CreateOrganization {
            name: "Acme".parse().unwrap(),
        };
        let acme = tenancy.execute(&actor("ann"), create).await.unwrap().output;
        let (organization, workspace) = (acme.organization, acme.workspace);
        let sandbox = CreateDomain {
            organization,
            workspace,
            name: "acme-sandbox".parse().unwrap(),
            kind: DomainKind::Sandbox,
        };
        let sandbox = tenancy
            .execute(&actor("ann"), sandbox)
            .await
            .unwrap()
            .output;
        let world = Self {
            tenancy,
            acme: organization,
            payments: workspace,
            sandbox,
        };
        for (who, role) in [
            ("bob", WorkspaceRole::Developer),
            ("gus", WorkspaceRole::Reader),
        ] {
            world.joins(who, OrganizationRole::Member).await;
            let give = GiveWorkspaceRole {
                organization,
                workspace,
                user: id(who),
                role,
            };
            world.does("ann", give).await;
        }
        world
    }

    pub(crate) async fn does<Q: Commands>(&self, who: &str, request: Q) -> Q::Output {
        self.tenancy
            .execute(&actor(who), request)
            .await
            .unwrap()
            .output
    }

    pub(crate) async fn joins(&self, who: &str, role: OrganizationRole) {
        let invite = InviteToOrganization {
            organization: self.acme,
            email: format!("{who}@acme.example").parse().unwrap(),
            role,
        };
        let token = self.does("ann", invite).await.token.unwrap();
        self.does(who, AcceptInvitation { token }).await;
    }

    /// The mails that a host's worker would send, of all that happened.
    pub(crate) async fn mails(&self) -> Vec<Mail> {
        let list = List::Log {
            organization: self.acme,
            after: Version::ABSENT,
        };
        let most = NonZeroU32::new(1_000).unwrap();
        let store = self.tenancy.repository();
        let mut mails = Vec::new();
        for item in store.list(&list, most).await.unwrap() {
            if let Item::LogEntry(entry) = item {
                mails.extend(self.tenancy.mails(&entry).await.unwrap());
            }
        }
        mails
    }

    pub(crate) fn router(&self) -> Router {
        let console = Console::at("/console").sign_in("/sign-in");
        router(console).with_state(self.clone())
    }

    /// A path in Acme.
    pub(crate) fn acme(&self, end: &str) -> String {
        format!("/console/organizations/{}{end}", self.acme)
    }

    pub(crate) async fn asks(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        let request = Request::get(path).header("x-who", who);
        self.asks(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from("same-origin", who, path, fields).await
    }

    pub(crate) async fn post_from(
        &self,
        site: &str,
        who: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let request = Request::post(path)
            .header("x-who", who)
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.asks(request.body(Body::from(encoded(fields))).unwrap())
            .await
    }
}

impl Answer {
    /// Where it leads, once it is sure that it leads on.
    #[track_caller]
    pub(crate) fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers
            .get(header::LOCATION)
            .unwrap()
            .to_str()
            .unwrap()
    }

    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        assert!(self.body.contains(text), "no `{text}` in {}", self.body);
    }

    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) {
        assert!(!self.body.contains(text), "`{text}` in {}", self.body);
    }

    /// The piece of the page that begins with the element of that id.
    #[track_caller]
    pub(crate) fn element(&self, id: &str) -> &str {
        let begins = self.body.split_once(&format!("id=\"{id}\""));
        let (_, rest) = begins.unwrap_or_else(|| panic!("no `{id}` in {}", self.body));
        let (form, _) = rest.split_once("</form>").unwrap_or((rest, ""));
        form.split_once("</p></div>")
            .map_or(form, |(refused, _)| refused)
    }
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        let bytes = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        });
        bytes.collect::<String>()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}
