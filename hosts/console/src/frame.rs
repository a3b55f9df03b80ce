//! What stands around every page.

use tenancy::views::Overview;
use tenancy::{OrganizationAction, OrganizationId};

use crate::console::Console;
use crate::form::Back;
use crate::say;

/// Top of the page, navigation, notices.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) product: String,
    pub(crate) home: String,
    pub(crate) style: String,
    pub(crate) icon: String,
    pub(crate) banner: Option<(String, Vec<(String, String)>)>,
    pub(crate) sign_out: Option<String>,
    pub(crate) who: Option<Who>,
    pub(crate) organization: Option<Around>,
    pub(crate) notice: Option<Notice>,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) detail: String,
    pub(crate) initial: String,
}

/// The organization that a page is in, and its other pages.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) suspension: Option<String>,
    /// Only the vendor's staff see one that is (O6).
    pub(crate) is_deleted: bool,
    pub(crate) tabs: Vec<Tab>,
}

#[derive(Clone, Debug)]
pub(crate) struct Tab {
    pub(crate) label: &'static str,
    pub(crate) path: String,
    pub(crate) is_here: bool,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) sentence: String,
    pub(crate) is_bad: bool,
    /// The form that it is about.
    pub(crate) form: Option<String>,
}

impl Notice {
    pub(crate) fn good(sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self {
            sentence,
            is_bad: false,
            form: None,
        }
    }

    /// Of a form that comes back, if one does.
    pub(crate) fn back(back: &Back) -> Option<Self> {
        let sentence = back.notice.clone()?;
        let form = back.form().to_owned();
        Some(Self {
            sentence,
            is_bad: true,
            form: Some(form).filter(|form| !form.is_empty()),
        })
    }
}

impl Frame {
    pub(crate) fn new(console: &Console, title: &str) -> Self {
        let asset = |name: &str| console.path(&format!("/assets/{name}"));
        Self {
            title: title.to_owned(),
            product: console.product.clone(),
            home: console.path(""),
            style: asset(&console.assets.style_name),
            icon: asset(&console.assets.icon_name),
            banner: console.banner.clone(),
            sign_out: console.sign_out.clone(),
            who: None,
            organization: None,
            notice: None,
        }
    }
}

impl Around {
    pub(crate) fn of(console: &Console, overview: &Overview, here: &str) -> Self {
        let organization = &overview.organization;
        let may = |action| overview.may.contains(&action);
        let is_operator = organization.role.is_none();
        let tab = |label, end: &str| Tab {
            label,
            path: path(console, organization.id, end),
            is_here: here == end,
        };
        let all = [
            (true, tab("Overview", "")),
            (
                may(OrganizationAction::ViewMembers),
                tab("Members", "/members"),
            ),
            (true, tab("Workspaces", "/workspaces")),
            (true, tab("Roles", "/roles")),
            (
                may(OrganizationAction::ViewAuditTrail),
                tab("Activity", "/activity"),
            ),
            (true, tab("Settings", "/settings")),
            (is_operator, tab("Staff", "/staff")),
        ];
        let role = organization.role.map(|role| {
            let own = organization.own_role;
            say::organization_role(role, own, &overview.roles)
        });
        Self {
            name: organization.name.to_string(),
            role: role.unwrap_or_else(|| "Vendor's staff".to_owned()),
            // Of one that is deleted nothing is left but reading, so its staff may not even suspend it.
            is_deleted: is_operator && !may(OrganizationAction::Suspend),
            suspension: organization.suspension.as_ref().map(ToString::to_string),
            tabs: all
                .into_iter()
                .filter_map(|(shown, tab)| shown.then_some(tab))
                .collect(),
        }
    }
}

/// A path inside an organization.
pub(crate) fn path(console: &Console, organization: OrganizationId, end: &str) -> String {
    console.path(&format!("/organizations/{organization}{end}"))
}
