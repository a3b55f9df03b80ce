//! Whether two stores answer each list across organizations alike, page by page.

use std::num::NonZeroU32;

use tenancy::store::{Directory, Item, List, Record};
use tenancy::text::{EmailKey, NameKey};
use tenancy::{EmailAddress, UserId, Version};

/// How alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alike {
    Exactly,
    /// But for versions, and for counts and invoicing information of workspaces.
    AsShown,
}

fn key(address: &str) -> EmailKey {
    address.parse::<EmailAddress>().unwrap().key().clone()
}

/// Every list that crosses organizations, of these users, these addresses, and names that begin so.
fn across(users: &[UserId], addresses: &[&str], prefixes: &[&str]) -> Vec<List> {
    let mut lists = vec![List::AllOrganizations { after: None }];
    for user in users {
        let user = *user;
        lists.push(List::OrganizationsOf { user, after: None });
    }
    for address in addresses {
        let email = key(address);
        lists.push(List::OrganizationsWithMember {
            email: email.clone(),
            after: None,
        });
        lists.push(List::InvitationsTo { email, after: None });
    }
    for prefix in prefixes {
        let prefix = NameKey::from_column(prefix);
        lists.push(List::OrganizationsNamed {
            prefix,
            after: None,
        });
    }
    lists
}

/// A list in pages, each beside its place.
async fn walked<R: Directory>(store: &R, list: &List, limit: u32) -> Vec<Vec<Item>> {
    let (mut pages, mut next) = (Vec::new(), list.clone());
    let limit = NonZeroU32::new(limit).unwrap();
    loop {
        let page = store.list(&next, limit).await.unwrap();
        let place = page.last().map(|item| list.place_of(item).unwrap());
        let is_full = page.len() == usize::try_from(limit.get()).unwrap();
        pages.push(page);
        if !is_full {
            return pages;
        }
        next = list.behind(place);
    }
}

/// An item without what may be older than the rest.
fn shown(mut item: Item) -> Item {
    match &mut item {
        Item::Organization(summary)
        | Item::Named(_, summary)
        | Item::Across(summary, _)
        | Item::PairAcross(summary, ..) => summary.version = Version::ABSENT,
        _ => {}
    }
    if let Item::PairAcross(_, _, Record::Workspace(workspace)) = &mut item {
        (workspace.domains, workspace.members) = (0, 0);
        workspace.invoicing = None;
    }
    item
}

/// What was compared: a list is four times in it, once for each size of pages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Compared {
    pub(crate) items: usize,
    /// Invitations to workspaces.
    pub(crate) pairs: usize,
}

/// Every list of both, in pages of several sizes.
pub(crate) async fn agree<A: Directory, B: Directory>(
    (one, other): (&A, &B),
    (users, addresses, prefixes): (&[UserId], &[&str], &[&str]),
    alike: Alike,
) -> Compared {
    let mut compared = Compared::default();
    for list in across(users, addresses, prefixes) {
        for limit in [1, 2, 3, 100] {
            let as_asked = |pages: Vec<Vec<Item>>| -> Vec<Vec<Item>> {
                let page = |page: Vec<Item>| match alike {
                    Alike::Exactly => page,
                    Alike::AsShown => page.into_iter().map(shown).collect(),
                };
                pages.into_iter().map(page).collect()
            };
            let expected = as_asked(walked(one, &list, limit).await);
            let found = as_asked(walked(other, &list, limit).await);
            // What was typed is kept, and only `Debug` tells it from what is equal.
            assert_eq!(
                format!("{found:#?}"),
                format!("{expected:#?}"),
                "{list:?} in pages of {limit}"
            );
            let items = expected.iter().flatten();
            let pairs = items.filter(|item| matches!(item, Item::PairAcross(..)));
            compared.pairs += pairs.count();
            compared.items += expected.iter().map(Vec::len).sum::<usize>();
        }
    }
    compared
}
