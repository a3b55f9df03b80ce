//! What a host may choose.

use std::fmt;

use tenancy::InvitationToken;

use crate::accent::Accent;
use crate::assets::Assets;

/// What a host may choose of its console. Only where it is mounted has to be said.
///
/// ```
/// use tenancy_console::Console;
///
/// let console = Console::at("/console")
///     .product("Acme Cloud")
///     .accent("#3355cc".parse()?)
///     .sign_in("/sign-in");
/// assert_eq!(console.base(), "/console");
/// # Ok::<(), tenancy_console::InvalidAccent>(())
/// ```
#[derive(Clone)]
pub struct Console {
    base: String,
    pub(crate) product: String,
    pub(crate) sign_in: Option<String>,
    pub(crate) sign_out: Option<String>,
    pub(crate) banner: Option<(String, Vec<(String, String)>)>,
    pub(crate) assets: Assets,
}

impl Console {
    /// A console whose pages stand under that path: `/console`, or an empty one for the root. What is no path (`//…`,
    /// a trailing `/`) is made one.
    #[must_use]
    pub fn at(base: &str) -> Self {
        let parts: Vec<_> = base.split('/').filter(|part| !part.is_empty()).collect();
        let base = parts.iter().flat_map(|part| ["/", part]).collect();
        Self {
            base,
            product: "Tenancy".to_owned(),
            sign_in: None,
            sign_out: None,
            banner: None,
            assets: Assets::with(Accent::DEFAULT),
        }
    }

    /// What the product is called, on top of each page.
    #[must_use]
    pub fn product(self, name: &str) -> Self {
        let product = name.to_owned();
        Self { product, ..self }
    }

    /// The colour of links and of what to press.
    #[must_use]
    pub fn accent(self, accent: Accent) -> Self {
        let assets = Assets::with(accent);
        Self { assets, ..self }
    }

    /// Where to sign in, for whoever isn't: a path of the host's. It gets the page that was asked for as `?next=`, a path
    /// of this host with its query, percent-encoded. Go on there only if it begins with one `/`, and keep it out of logs:
    /// an invitation's page has its token in the query.
    #[must_use]
    pub fn sign_in(self, path: &str) -> Self {
        let sign_in = Some(path.to_owned());
        Self { sign_in, ..self }
    }

    /// Where to sign out: a path of the host's, to which a form is sent by `POST`.
    #[must_use]
    pub fn sign_out(self, path: &str) -> Self {
        let sign_out = Some(path.to_owned());
        Self { sign_out, ..self }
    }

    /// A line on top of every page, and links beside it, each a label and a path: maintenance, a trial that ends.
    #[must_use]
    pub fn banner(self, text: &str, links: &[(&str, &str)]) -> Self {
        let owned = |(label, path): &(&str, &str)| ((*label).to_owned(), (*path).to_owned());
        let banner = Some((text.to_owned(), links.iter().map(owned).collect()));
        Self { banner, ..self }
    }

    /// The path that its pages stand under.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The link of an invitation for its mail: the page that shows what it offers, and takes the answer.
    ///
    /// ```
    /// # use tenancy::Mail;
    /// use tenancy_console::Console;
    ///
    /// // In your `tenancy_axum::Mailer`:
    /// fn link(console: &Console, mail: &Mail) -> String {
    ///     format!("https://cloud.example{}", console.invitation(&mail.token))
    /// }
    /// ```
    #[must_use]
    pub fn invitation(&self, token: &InvitationToken) -> String {
        self.path(&format!("/invitation?token={}", *token.expose()))
    }

    /// Where its stylesheet is, for a host's pages that should look like it. The name changes with its content.
    #[must_use]
    pub fn stylesheet(&self) -> String {
        self.path(&format!("/assets/{}", self.assets.style_name))
    }

    /// A path of the console's.
    pub(crate) fn path(&self, rest: &str) -> String {
        match (self.base.as_str(), rest) {
            ("", "") => "/".to_owned(),
            (base, rest) => format!("{base}{rest}"),
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("base", &self.base)
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}
