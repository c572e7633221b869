//! A web service of `FastAPI` and `SQLAlchemy` in the `src` layout, and a site of Django.

use architecture_learning::architecture::Basis::{Code, Name};
use architecture_learning::discovery::FileKind;
use architecture_learning::role::Role;

use super::Looked;

const SHOP: &[(&str, &str)] = &[
    (
        "pyproject.toml",
        "[project]\nname = \"shop\"\ndependencies = [\n  \"fastapi>=0.100\",\n  \"SQLAlchemy\",\n  \"psycopg2-binary\",\n]\n\n[project.scripts]\nshop = \"shop.cli:app\"\n",
    ),
    ("src/shop/__init__.py", "from .core.orders import place_order\n"),
    ("src/shop/__main__.py", "from shop.cli import app\n\napp()\n"),
    (
        "src/shop/api/orders.py",
        "\"\"\"Orders over HTTP.\"\"\"\nfrom fastapi import APIRouter\n\nfrom shop.core import place_order, Priced as P\nfrom ..errors import NotFound\n\nrouter = APIRouter()\n\n\n@router.post(\"/orders\")\nasync def create(body: dict):\n    return place_order(body)\n",
    ),
    ("src/shop/api/__init__.py", ""),
    ("src/shop/core/__init__.py", "from .orders import place_order\nfrom .pricing import *\n"),
    (
        "src/shop/core/orders.py",
        "from typing import TYPE_CHECKING\nimport shop.db.session as session\nfrom shop.db.models import Order\nif TYPE_CHECKING:\n    from shop.rules import discounts\n\ndef place_order(body):\n    from .pricing import price\n    session.add(Order(price(body)))\n",
    ),
    ("src/shop/core/pricing.py", "def price(body):\n    return 1\n\nclass Priced:\n    pass\n"),
    ("src/shop/db/__init__.py", ""),
    (
        "src/shop/db/models.py",
        "from sqlalchemy.orm import DeclarativeBase, mapped_column\n\nclass Base(DeclarativeBase):\n    pass\n\nclass Order(Base):\n    id = mapped_column(primary_key=True)\n",
    ),
    (
        "src/shop/db/session.py",
        "from sqlalchemy import create_engine\nfrom shop._version import version\n\nengine = create_engine(\"x\")\n",
    ),
    ("src/shop/errors.py", "class NotFound(Exception):\n    pass\n"),
    ("src/shop/rules/discounts.py", "RATE = 1\n"),
    (
        "src/shop/cli.py",
        "import typer\n\napp = typer.Typer()\n\n@app.command()\ndef serve():\n    pass\n",
    ),
    ("tests/test_orders.py", "from shop.core import place_order\nimport requests\n"),
    (".venv/lib/other.py", "import shop\n"),
    ("build/lib/shop/errors.py", "class NotFound(Exception): ...\n"),
];

#[test]
fn imports_are_followed_to_the_file_that_defines() {
    let shop = Looked::at("shop", SHOP);
    shop.assert_edges(&[
        ("src/shop/__init__.py", &["src/shop/core/orders.py"]),
        ("src/shop/__main__.py", &["src/shop/cli.py"]),
        (
            "src/shop/api/orders.py",
            &["src/shop/core/orders.py", "src/shop/core/pricing.py", "src/shop/errors.py"],
        ),
        ("src/shop/core/__init__.py", &["src/shop/core/orders.py", "src/shop/core/pricing.py"]),
        (
            "src/shop/core/orders.py",
            &[
                "src/shop/core/pricing.py",
                "src/shop/db/models.py",
                "src/shop/db/session.py",
                "src/shop/rules/discounts.py",
            ],
        ),
        ("tests/test_orders.py", &["src/shop/core/orders.py"]),
    ]);
    let blind = &shop.survey.architecture.blind;
    assert_eq!(blind.unresolved, 1, "the version that a build writes");
    assert_eq!(blind.skipped, [".venv", "build"]);
    let why = shop.told(&["why", "shop.api", "db.models"]);
    assert!(why.contains("src/shop/core/orders.py:3 → src/shop/db/models.py"), "{why}");
}

#[test]
fn rules_tell_what_they_can_and_no_more() {
    let shop = Looked::at("shop-roles", SHOP);
    shop.assert_roles(&[
        ("src/shop/api/orders.py", Some((Role::HttpApi, Code))),
        ("src/shop/db/models.py", Some((Role::DataModel, Code))),
        ("src/shop/db/session.py", Some((Role::Persistence, Code))),
        ("src/shop/cli.py", Some((Role::Cli, Code))),
        ("src/shop/errors.py", Some((Role::Error, Name))),
        ("src/shop/core/pricing.py", None),
        ("src/shop/core/orders.py", None),
    ]);
    assert_eq!(shop.kind("src/shop/__init__.py"), FileKind::CrateRoot);
    assert_eq!(shop.kind("src/shop/__main__.py"), FileKind::EntryPoint);
    assert_eq!(shop.kind("tests/test_orders.py"), FileKind::Test);
    assert_eq!(shop.shown("fastapi").as_deref(), Some("depends on fastapi (pyproject.toml:4)"));
    assert_eq!(
        shop.shown("postgresql").as_deref(),
        Some("depends on psycopg2_binary (pyproject.toml:6)")
    );
    let text = shop.told(&[]);
    for words in [
        " lines of Python",
        "web service",
        "depends on fastapi (pyproject.toml:4)",
        "not compared with code: the model has learnt Rust only",
        "4 of 9 Python modules have a role by a framework's code, 1 more by name alone",
        "4 abstained: the model has learnt Rust only",
        "1 paths not followed to their end",
        "2 directories of builds or of others' code",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    assert!(!text.contains("graph network"), "no model was asked:\n{text}");
    let text = shop.told(&["explain", "api/orders.py"]);
    for words in [
        "Python is read by rules",
        "http_api (a framework's code says so)",
        "by `@router.post` of fastapi (line 10)",
        "outside: fastapi",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn a_site_of_django_shows_its_layers() {
    let site = Looked::at(
        "site",
        &[
            ("requirements.txt", "# web\nDjango==5.0\ncelery[redis]\n"),
            ("manage.py", "import os\n\nif __name__ == \"__main__\":\n    os.environ\n"),
            ("site_/settings.py", "DEBUG = True\n"),
            ("site_/urls.py", "from django.urls import include, path\nfrom blog import views\n"),
            ("blog/__init__.py", ""),
            (
                "blog/models.py",
                "from django.db import models\n\nclass Post(models.Model):\n    title = models.TextField()\n",
            ),
            (
                "blog/views.py",
                "from django.shortcuts import render\nfrom .models import Post\nfrom . import jobs\n",
            ),
            (
                "blog/jobs.py",
                "from celery import shared_task\n\n@shared_task\ndef send():\n    pass\n",
            ),
            (
                "blog/migrations/0001_initial.py",
                "# Generated by Django 5.0 on 2024-01-01\nfrom django.db import migrations\n",
            ),
            (
                "blog/management/commands/clean.py",
                "from django.core.management.base import BaseCommand\n\nclass Command(BaseCommand):\n    pass\n",
            ),
        ],
    );
    site.assert_edges(&[
        ("blog/views.py", &["blog/jobs.py", "blog/models.py"]),
        ("site_/urls.py", &["blog/views.py"]),
    ]);
    site.assert_roles(&[
        ("site_/urls.py", Some((Role::HttpApi, Code))),
        ("site_/settings.py", Some((Role::Config, Name))),
        ("blog/models.py", Some((Role::DataModel, Code))),
        ("blog/views.py", Some((Role::HttpApi, Code))),
        ("blog/jobs.py", Some((Role::Runtime, Code))),
        ("blog/management/commands/clean.py", Some((Role::Cli, Code))),
    ]);
    assert_eq!(site.kind("manage.py"), FileKind::EntryPoint);
    assert_eq!(site.kind("blog/migrations/0001_initial.py"), FileKind::Generated);
    assert_eq!(site.shown("django").as_deref(), Some("depends on django (requirements.txt:2)"));
    assert!(site.survey.architecture.style.headline.ends_with("web service"));
}

/// A checkout of the package alone, in a directory of another name.
#[test]
fn a_codebase_that_is_a_package_knows_its_own_name() {
    let package = Looked::at(
        "checkout",
        &[
            ("__init__.py", "from tool.core import run\n"),
            (
                "core.py",
                "import os.path\nfrom tool._vendor.rich import text\n\ndef run():\n    pass\n",
            ),
            ("ui/__init__.py", ""),
            ("ui/screen.py", "import curses\nfrom tool import run\nfrom tool.core import run\n"),
            ("path.py", "from tool.ui.screen import run\n"),
            ("_vendor/rich/text.py", ""),
        ],
    );
    package.assert_edges(&[
        ("__init__.py", &["core.py"]),
        ("path.py", &["core.py"]),
        ("ui/screen.py", &["core.py"]),
    ]);
    let core = package.survey.shard.files.iter().find(|f| f.path == "core.py").expect("core");
    assert_eq!(core.dependencies.iter().collect::<Vec<_>>(), ["os", "rich"]);
    assert_eq!(package.survey.architecture.blind.skipped, ["_vendor"]);
    package.assert_roles(&[("ui/screen.py", Some((Role::Ui, Code)))]);
}

#[test]
fn a_cycle_needs_no_roles_to_be_told() {
    let round = Looked::at(
        "round",
        &[
            ("spin.py", "import orbit\n"),
            ("orbit.py", "def go():\n    from spin import x\n"),
            ("rest.py", ""),
        ],
    );
    round.assert_edges(&[("orbit.py", &["spin.py"]), ("spin.py", &["orbit.py"])]);
    let text = round.told(&[]);
    assert!(text.contains("cycle  orbit.py:2 in a cycle of 2 files with `spin.py`"), "{text}");
}

#[test]
fn only_scripts_that_are_installed_make_a_program() {
    let program = |name: &str, files: &[(&str, &str)]| {
        let looked = Looked::at(name, &[files, &[("src/tool/core.py", "X = 1\n")]].concat());
        let found = looked.shown("monolith");
        assert_eq!(looked.survey.shard.application, found.is_some(), "{name}");
        found
    };
    let hatch = "[project]\nname = \"tool\"\n[tool.hatch.envs.default.scripts]\nlint = \"ruff\"\n";
    assert_eq!(program("hatch", &[("pyproject.toml", hatch)]), None);
    assert_eq!(program("pipenv", &[("Pipfile", "[scripts]\nserve = \"x\"\n")]), None);
    let at = |line: u32| Some(format!("builds a program (pyproject.toml:{line})"));
    let scripts = format!("{hatch}\n[project.scripts]\ntool = \"tool:run\"\n");
    assert_eq!(program("scripts", &[("pyproject.toml", &scripts)]), at(6));
    let inline = "[project]\nname = \"tool\"\ngui-scripts = { tool = \"tool:run\" }\n";
    assert_eq!(program("inline", &[("pyproject.toml", inline)]), at(3));
    let poetry = "[tool.poetry]\nname = \"tool\"\n[tool.poetry.scripts]\ntool = \"tool:run\"\n";
    assert_eq!(program("poetry", &[("pyproject.toml", poetry)]), at(3));
    let setup = "from setuptools import setup\nsetup(entry_points={\"console_scripts\": []})\n";
    let at = Some("builds a program (setup.py:2)".to_owned());
    assert_eq!(program("setup", &[("setup.py", setup)]), at);
}

#[test]
fn a_program_begins_in_the_product() {
    let serve = "from fastapi import FastAPI\n\napp = FastAPI()\n";
    for (path, begins) in [
        ("src/latest.py", true),
        ("contested/app.py", true),
        ("tests/app.py", false),
        ("src/test_app.py", false),
        ("examples/app.py", false),
        ("docs/app.py", false),
    ] {
        let looked = Looked::at("begins", &[(path, serve), ("src/core.py", "X = 1\n")]);
        assert_eq!(looked.survey.shard.application, begins, "{path}");
    }
}

/// Two cycles of eight: the first uses the second, which is complete before it.
#[test]
fn of_two_cycles_the_one_that_begins_first_is_told() {
    let ring = |name: &'static str, more: &'static str| {
        (0..8).map(move |n| {
            let more = if n == 0 { more } else { "" };
            (format!("{name}{n}.py"), format!("import {name}{}\n{more}", (n + 1) % 8))
        })
    };
    let files: Vec<_> = ring("a", "import b3\n").chain(ring("b", "")).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let rings = Looked::at("rings", &files);
    let told = "8 of 16 modules need each other in one cycle, as a0.py:1 needs a1.py";
    let reasons = &rings.survey.architecture.style.reasons;
    assert!(reasons.iter().any(|reason| reason == told), "{reasons:?}");
}

#[test]
fn nothing_is_kept_of_a_model_that_nobody_asked() {
    let tool = Looked::at("unasked", &[("a.py", "import b\n"), ("b.py", "")]);
    tool.told(&[]);
    let kept = std::fs::read_dir(tool.scratch.path("cache")).expect("a cache");
    let endings: Vec<_> = kept
        .map(|entry| entry.expect("an entry").path().extension().map(ToOwned::to_owned))
        .collect();
    assert_eq!(endings, [Some("facts".into())]);
}
