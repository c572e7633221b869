//! A service over HTTP with its command line, in two modules.

use architecture_learning::architecture::Basis::{Code, Name};
use architecture_learning::discovery::FileKind;
use architecture_learning::role::Role;

use super::Looked;

const SHOP: &[(&str, &str)] = &[
    (
        "go.mod",
        "module example.org/shop/v2\n\ngo 1.22\n\nrequire (\n\tgithub.com/gin-gonic/gin v1.9.1\n\tgithub.com/spf13/cobra v1.8.0 // indirect\n\tgithub.com/jackc/pgx/v5 v5.5.0\n)\n",
    ),
    ("shop.go", "// Package shop.\npackage shop\n\nconst Version = \"1\"\n"),
    (
        "cmd/shopd/main.go",
        "package main\n\nimport (\n\t\"example.org/shop/v2\"\n\t\"example.org/shop/v2/internal/api\"\n)\n\nfunc main() { api.Serve(shop.Version) }\n",
    ),
    (
        "internal/api/orders.go",
        "package api\n\nimport (\n\t\"github.com/gin-gonic/gin\"\n\n\tdb \"example.org/shop/v2/internal/store\"\n)\n\nfunc orders(c *gin.Context) {\n\tvar row db.Order\n\tdb.Open(&row)\n}\n",
    ),
    (
        "internal/api/serve.go",
        "package api\n\nimport \"net/http\"\n\nfunc Serve(v string) { http.ListenAndServe(v, nil) }\n",
    ),
    ("internal/api/errors.go", "package api\n\ntype notFound struct{}\n"),
    (
        "internal/store/store.go",
        "package store\n\nimport \"database/sql\"\n\nfunc Open(o *Order) { sql.Open(\"pgx\", \"\") }\n",
    ),
    (
        "internal/store/order.go",
        "package store\n\nimport \"example.org/money\"\n\ntype Order struct{ Total money.Money }\n",
    ),
    ("internal/store/store_test.go", "package store\n\nfunc TestOpen() {}\n"),
    ("internal/store/rows.pb.go", "package store\n\ntype Row struct{}\n"),
    (
        "internal/rules/rules.go",
        "package rules\n\nimport _ \"example.org/shop/v2/internal/gone\"\n",
    ),
    ("money/go.mod", "module example.org/money\n"),
    ("money/money.go", "package money\n\ntype Money int\n"),
    ("money/format.go", "package money\n\nfunc Format(m Money) string { return \"\" }\n"),
    ("vendor/github.com/x/y.go", "package y\n"),
];

#[test]
fn imports_lead_to_the_file_that_defines_what_is_used() {
    let shop = Looked::at("go-shop", SHOP);
    shop.assert_edges(&[
        ("cmd/shopd/main.go", &["internal/api/serve.go", "shop.go"]),
        ("internal/api/orders.go", &["internal/store/order.go", "internal/store/store.go"]),
        ("internal/store/order.go", &["money/money.go"]),
    ]);
    let blind = &shop.survey.architecture.blind;
    assert_eq!(blind.unresolved, 1, "the package that is gone");
    assert_eq!(blind.skipped, ["vendor"]);
    let why = shop.told(&["why", "internal/api", "internal/store"]);
    assert!(why.contains("internal/api/orders.go:6 → internal/store/order.go"), "{why}");
}

#[test]
fn packages_are_parts_and_their_code_tells_roles() {
    let shop = Looked::at("go-roles", SHOP);
    shop.assert_roles(&[
        ("internal/api/orders.go", Some((Role::HttpApi, Code))),
        ("internal/api/serve.go", Some((Role::HttpApi, Code))),
        ("internal/api/errors.go", Some((Role::Error, Name))),
        ("internal/store/store.go", Some((Role::Persistence, Code))),
        ("internal/store/order.go", None),
        ("internal/rules/rules.go", None),
    ]);
    assert_eq!(shop.kind("cmd/shopd/main.go"), FileKind::EntryPoint);
    assert_eq!(shop.kind("internal/store/store_test.go"), FileKind::Test);
    assert_eq!(shop.kind("internal/store/rows.pb.go"), FileKind::Generated);
    let parts: Vec<_> = shop.survey.architecture.parts.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(parts, ["(root)", "internal/api", "internal/rules", "internal/store", "money"]);
    let gin = "depends on github.com/gin-gonic/gin (go.mod:6)";
    assert_eq!(shop.shown("gin").as_deref(), Some(gin));
    assert_eq!(shop.shown("cobra"), None, "comes with another");
    assert!(shop.shown("postgresql").is_some());
    let text = shop.told(&[]);
    for words in [" lines of Go", "web service", gin, "modular: 1 package builds programs"] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn what_a_file_uses_of_a_package_is_no_part_of_its_own() {
    let shop = Looked::at(
        "go-names",
        &[
            ("go.mod", "module example.org/shop\n"),
            (
                "main.go",
                "package main\n\nimport \"example.org/shop/api\"\n\nfunc main() { api.Show(api.User{}) }\n",
            ),
            (
                "api/api.go",
                "package api\n\nimport \"example.org/shop/store\"\n\nfunc Show(u User) { store.Open(store.User{}) }\n",
            ),
            ("api/user.go", "package api\n\ntype User struct{}\n"),
            (
                "store/store.go",
                "package store\n\nimport \"example.org/shop/model\"\n\nfunc Open(u User) { model.Load(model.User{}) }\n",
            ),
            ("store/user.go", "package store\n\ntype User struct{}\n"),
            ("model/user.go", "package model\n\ntype User struct{}\n\nfunc Load(u User) {}\n"),
        ],
    );
    shop.assert_edges(&[
        ("api/api.go", &["store/store.go", "store/user.go"]),
        ("main.go", &["api/api.go", "api/user.go"]),
        ("store/store.go", &["model/user.go"]),
    ]);
}

#[test]
fn a_module_path_ends_before_a_comment() {
    for (name, line) in [
        ("go-deprecated", "module example.org/shop // Deprecated: use example.org/store."),
        ("go-tab", "module\texample.org/shop//old"),
        ("go-quoted", "module \"example.org/shop\"\r"),
    ] {
        let shop = Looked::at(
            name,
            &[
                ("go.mod", &format!("// module path\nmodules x\n{line}\n\ngo 1.22\n")),
                ("shop.go", "package shop\n\nimport \"example.org/shop/api\"\n\nvar x = api.X\n"),
                ("api/api.go", "package api\n\nvar X = 1\n"),
            ],
        );
        shop.assert_edges(&[("shop.go", &["api/api.go"])]);
    }
}

#[test]
fn a_program_belongs_to_the_module_that_it_is_in() {
    let main = "package main\n\nfunc main() {}\n";
    let tools = Looked::at(
        "go-programs",
        &[
            ("go.mod", "module example.org/tools\n"),
            ("cmd/app/go.mod", "module\texample.org/app\n"),
            ("cmd/app/main.go", main),
            ("cmd/app2/main.go", main),
            ("cmd/app/tests/main.go", main),
            ("samples/main.go", main),
        ],
    );
    let programs = tools.survey.shard.patterns.iter().find(|p| p.name == "distributed");
    let places = programs.expect("two programs").evidence.iter().map(|e| e.path.as_str());
    assert_eq!(places.collect::<Vec<_>>(), ["cmd/app2/main.go", "cmd/app/main.go"]);
}
