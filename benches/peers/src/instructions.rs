//! How many instructions a check and a command take, beside those of the committed baseline.
//!
//! Times depend on what else runs; instructions hardly do, so CI compares them. The program runs itself beneath
//! `valgrind --tool=callgrind`, once a case, and callgrind counts only within the case's `measured_…`.
//! `TENANCY_BLESS=1` writes the baseline anew.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use tenancy::commands::{CreateOrganization, CreateWorkspace, InviteToOrganization, RemoveMember};
use tenancy::store::{AccessIndex, MemoryRepository};
use tenancy::{
    Actor, DomainAction, EmailAddress, Limits, Name, OrganizationAction, OrganizationRole,
    Resource, Settings, Standing, Tenancy, UserId, VerifiedEmail, WorkspaceAction, block_on,
};

use crate::by_hand::ByHand;
use crate::indexed;
use crate::ours::{check, fill, through_index};
use crate::population::{Ids, MEMBERS, Question, questions};
use crate::report::grouped;

/// What is counted, each by the name that it has in the baseline.
const CASES: [&str; 7] = [
    "check_by_hand_foldhash",
    "check_through_tenancy",
    "check_from_the_index",
    "decide_on_a_loaded_standing",
    "invite_to_the_organization",
    "create_a_workspace",
    "remove_a_member",
];

/// A difference of so many percent is an error: up, something became slow; down, the baseline is to be blessed.
const TOLERATED: f64 = 10.0;

const ORGANIZATIONS: usize = 10;
const QUESTIONS: usize = 4_096;
const COMMANDS: usize = 160;

/// Counts every case, and compares.
pub(crate) fn compare() -> ExitCode {
    let path = baseline();
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let mut counted = "# Instructions each; written by `TENANCY_BLESS=1 cargo run --release -p tenancy-peers -- --instructions`.\n".to_owned();
    let mut differs = false;
    for case in CASES {
        let now = count(case);
        let _ = writeln!(counted, "{case} {now:.0}");
        let before = committed.lines().find_map(|line| {
            let (name, count) = line.split_once(' ')?;
            (name == case).then(|| count.parse::<f64>().ok()).flatten()
        });
        let Some(before) = before else {
            println!("{case}: {now:.0} instructions; the baseline has none");
            differs = true;
            continue;
        };
        let percent = (now / before - 1.0) * 100.0;
        let wrong = percent.abs() > TOLERATED;
        differs |= wrong;
        let mark = if wrong { ": TOO DIFFERENT" } else { "" };
        println!(
            "{case}: {now:.0} instructions, {before:.0} in the baseline ({percent:+.1} %){mark}"
        );
    }
    if env::var_os("TENANCY_BLESS").is_some() {
        fs::write(&path, counted).expect("the baseline can be written");
        println!("written to {}", path.display());
    } else if differs {
        println!(
            "A count is more than {TOLERATED} % off. If that is right: TENANCY_BLESS=1 cargo run --release -p tenancy-peers -- --instructions"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The baseline, as `docs/performance.md` shows it.
pub(crate) fn table() -> String {
    let committed = fs::read_to_string(baseline()).expect("the baseline is committed");
    let rows = committed.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.filter_map(|line| {
        let (case, count) = line.split_once(' ')?;
        let count = count.parse().map(grouped).ok()?;
        Some(format!("| {} | {count} |\n", case.replace('_', " ")))
    });
    format!(
        "| instructions | |\n| --- | ---: |\n{}",
        rows.collect::<String>()
    )
}

fn baseline() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

/// Instructions of one call, on average.
fn count(case: &str) -> f64 {
    let program = env::current_exe().expect("this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--collect-atstart=no")
        .arg(format!("--toggle-collect=*measured_{case}*"))
        .arg(program)
        .arg(format!("--case={case}"))
        .output()
        .expect("valgrind is installed (apt-get install valgrind)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case} failed: {said}");
    let collected = said
        .lines()
        .find_map(|line| line.split("Collected : ").nth(1));
    let collected: f64 = collected
        .and_then(|count| count.trim().parse().ok())
        .expect("callgrind says what it collected");
    let calls: f64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("the case says how many calls it made");
    assert!(collected > 0.0, "`measured_{case}` was inlined away");
    collected / calls
}

/// Makes one case's calls, beneath callgrind.
pub(crate) fn run(case: &str) {
    let all: Vec<Ids> = (0..ORGANIZATIONS).map(|_| Ids::new()).collect();
    let questions = questions(&all, QUESTIONS);
    let settings = Settings {
        default_workspace_quota: 1_000.try_into().expect("not zero"),
        default_limits: Limits::UNLIMITED,
        ..Settings::default()
    };
    let tenancy = Tenancy::new(MemoryRepository::new()).with_settings(settings);
    block_on(fill(tenancy.repository(), &all));
    let calls = match case {
        "check_by_hand_foldhash" => {
            let maps = ByHand::of(&all);
            every(&questions, |question| {
                measured_check_by_hand_foldhash(&maps, question)
            })
        }
        "check_through_tenancy" => every(&questions, |question| {
            measured_check_through_tenancy(&tenancy, question)
        }),
        "check_from_the_index" => {
            let index = indexed(&all);
            every(&questions, |question| {
                measured_check_from_the_index(&index, question)
            })
        }
        "decide_on_a_loaded_standing" => {
            let mut loaded = Vec::new();
            for question in &questions {
                let standing = tenancy.standing(&question.actor, question.resource);
                if let Some(standing) = block_on(standing).expect("the store works") {
                    loaded.push((standing, question.resource));
                }
            }
            every(&loaded, |(standing, resource)| {
                measured_decide_on_a_loaded_standing(standing, *resource)
            })
        }
        "invite_to_the_organization" => {
            let (ann, organization) = acme(&tenancy);
            let commands: Vec<_> = (0..COMMANDS)
                .map(|number| InviteToOrganization {
                    organization,
                    email: address(&format!("guest-{number}")),
                    role: OrganizationRole::Member,
                })
                .collect();
            every(commands, |command| {
                measured_invite_to_the_organization(&tenancy, &ann, command)
            })
        }
        "create_a_workspace" => {
            let (ann, organization) = acme(&tenancy);
            let commands: Vec<_> = (0..COMMANDS)
                .map(|number| CreateWorkspace {
                    organization,
                    name: Name::new(&format!("Team {number}")).expect("a name"),
                })
                .collect();
            every(commands, |command| {
                measured_create_a_workspace(&tenancy, &ann, command)
            })
        }
        "remove_a_member" => {
            let of = |ids: &Ids| {
                let admin = Actor::unverified(ids.members[0]);
                let members = ids.members[MEMBERS - COMMANDS / ORGANIZATIONS..].iter();
                let organization = ids.organization;
                let commands = members.map(|user| RemoveMember {
                    organization,
                    user: *user,
                });
                commands
                    .map(|command| (admin.clone(), command))
                    .collect::<Vec<_>>()
            };
            let commands: Vec<_> = all.iter().flat_map(of).collect();
            every(commands, |(admin, command)| {
                measured_remove_a_member(&tenancy, &admin, command)
            })
        }
        _ => panic!("no such case: `{case}`"),
    };
    println!("{calls}");
}

/// Calls with each; how many there were.
fn every<I: IntoIterator>(all: I, mut call: impl FnMut(I::Item) -> bool) -> usize {
    let mut calls = 0;
    for one in all {
        black_box(call(black_box(one)));
        calls += 1;
    }
    calls
}

#[inline(never)]
fn measured_check_by_hand_foldhash(
    maps: &ByHand<foldhash::fast::RandomState>,
    question: &Question,
) -> bool {
    maps.allows(question)
}

#[inline(never)]
fn measured_check_through_tenancy(
    tenancy: &Tenancy<MemoryRepository>,
    question: &Question,
) -> bool {
    block_on(check(tenancy, question))
}

#[inline(never)]
fn measured_check_from_the_index(index: &AccessIndex, question: &Question) -> bool {
    through_index(index, question)
}

#[inline(never)]
fn measured_decide_on_a_loaded_standing(standing: &Standing, resource: Resource) -> bool {
    match resource {
        Resource::Organization(_) => standing.decide(OrganizationAction::View).is_allowed(),
        Resource::Workspace(..) => standing.decide(WorkspaceAction::ManageRoles).is_allowed(),
        Resource::Domain(..) => standing.decide(DomainAction::Configure).is_allowed(),
    }
}

#[inline(never)]
fn measured_invite_to_the_organization(
    tenancy: &Tenancy<MemoryRepository>,
    actor: &Actor,
    command: InviteToOrganization,
) -> bool {
    block_on(tenancy.execute(actor, command)).expect("it is allowed");
    true
}

#[inline(never)]
fn measured_create_a_workspace(
    tenancy: &Tenancy<MemoryRepository>,
    actor: &Actor,
    command: CreateWorkspace,
) -> bool {
    block_on(tenancy.execute(actor, command)).expect("it is allowed");
    true
}

#[inline(never)]
fn measured_remove_a_member(
    tenancy: &Tenancy<MemoryRepository>,
    actor: &Actor,
    command: RemoveMember,
) -> bool {
    block_on(tenancy.execute(actor, command)).expect("it is allowed");
    true
}

/// An organization of one Admin, without limits.
fn acme(tenancy: &Tenancy<MemoryRepository>) -> (Actor, tenancy::OrganizationId) {
    let ann = Actor::user(UserId::new(), VerifiedEmail::attest(address("ann")));
    let create = CreateOrganization {
        name: Name::new("Acme").expect("a name"),
    };
    let created = block_on(tenancy.execute(&ann, create)).expect("it is allowed");
    (ann, created.output.organization)
}

fn address(who: &str) -> EmailAddress {
    EmailAddress::new(&format!("{who}@acme.example")).expect("an address")
}
