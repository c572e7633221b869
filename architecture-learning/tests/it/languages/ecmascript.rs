//! A workspace of a `NestJS` service, a React front end and what they share; and a small Express service in JavaScript.

use architecture_learning::architecture::Basis::{Code, Name};
use architecture_learning::discovery::FileKind;
use architecture_learning::role::Role;

use super::Looked;

const ACME: &[(&str, &str)] = &[
    ("package.json", "{ \"private\": true, \"workspaces\": [\"packages/*\"] }\n"),
    (
        "packages/api/package.json",
        "{\n  \"name\": \"@acme/api\",\n  \"scripts\": { \"x\": \"y\",\n    \"start\": \"nest start\" },\n  \"dependencies\": {\n    \"@nestjs/core\": \"10\",\n    \"typeorm\": \"0.3\",\n    \"pg\": \"8\"\n  }\n}\n",
    ),
    (
        "packages/api/src/main.ts",
        "import { NestFactory } from \"@nestjs/core\";\nimport { OrdersController } from \"./orders/orders.controller\";\nNestFactory.create(OrdersController);\n",
    ),
    (
        "packages/api/src/orders/orders.controller.ts",
        "import { Controller, Get } from \"@nestjs/common\";\nimport { OrdersService } from \"./orders.service\";\nimport type { Money } from \"@acme/shared\";\n\n@Controller(\"orders\")\nexport class OrdersController {\n  constructor(private readonly orders: OrdersService) {}\n  @Get() all(): Money[] { return <Money[]>this.orders.all(); }\n}\n",
    ),
    (
        "packages/api/src/orders/orders.service.ts",
        "import { Injectable } from \"@nestjs/common\";\nimport { Order } from \"./order.entity\";\nimport { missing } from \"./missing\";\nimport { slug } from \"@acme/shared/slug\";\n@Injectable()\nexport class OrdersService { all() { return [new Order()]; } }\n",
    ),
    (
        "packages/api/src/orders/order.entity.ts",
        "import { Entity, Column } from \"typeorm\";\n@Entity()\nexport class Order { @Column() name!: string; }\n",
    ),
    (
        "packages/shared/package.json",
        "{ \"name\": \"@acme/shared\", \"main\": \"dist/index.js\" }\n",
    ),
    (
        "packages/shared/src/index.ts",
        "export * from \"./money\";\nexport { default as slug } from \"./slug\";\n",
    ),
    (
        "packages/shared/src/money.ts",
        "export type Money = number;\nexport const money = (n: number): Money => n;\n",
    ),
    ("packages/shared/src/slug.ts", "export default function slug() {}\n"),
    (
        "packages/web/package.json",
        "{\n  \"name\": \"web\",\n  \"private\": true,\n  \"dependencies\": { \"react\": \"18\" },\n  \"devDependencies\": { \"vite\": \"5\", \"express\": \"4\" }\n}\n",
    ),
    (
        "packages/web/tsconfig.json",
        "{\n  // aliases\n  \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"@app/*\": [\"src/*\"], } },\n}\n",
    ),
    (
        "packages/web/src/App.tsx",
        "import { Cart } from \"@app/cart/Cart\";\nimport { money, slug } from \"@acme/shared\";\nimport \"./app.css\";\nimport { price } from \"./price.js\";\nconst Admin = lazy(() => import(\"@/admin\"));\nexport const App = () => <Cart total={price(money(1))} />;\n",
    ),
    ("packages/web/src/admin/index.tsx", "export default () => <p>admin</p>;\n"),
    ("packages/web/src/price.ts", "export const price = (n: number) => n;\n"),
    (
        "packages/web/src/cart/Cart.tsx",
        "import * as hooks from \"./useCart\";\nexport function Cart({ total }: { total: number }) { return <b>{total}{hooks.useCart()}</b>; }\n",
    ),
    (
        "packages/web/src/cart/useCart.js",
        "const { money } = require(\"@acme/shared\");\nexport const useCart = () => money(2);\n",
    ),
    ("packages/web/src/cart/Cart.test.tsx", "import { Cart } from \"./Cart\";\n"),
    ("packages/web/src/locale/de.ts", "export default { cart: \"Korb\" };\n"),
    ("packages/web/vite.config.ts", "export default {};\n"),
    ("packages/web/src/strings.ts", "<?xml version=\"1.0\"?>\n<!DOCTYPE TS>\n<TS></TS>\n"),
    ("packages/web/dist/app.js", "var a = 1;\n"),
    ("packages/web/node_modules/react/index.js", "module.exports = {};\n"),
];

#[test]
fn modules_are_found_over_packages_aliases_and_endings() {
    let acme = Looked::at("acme", ACME);
    acme.assert_edges(&[
        ("packages/api/src/main.ts", &["packages/api/src/orders/orders.controller.ts"]),
        (
            "packages/api/src/orders/orders.controller.ts",
            &["packages/api/src/orders/orders.service.ts", "packages/shared/src/money.ts"],
        ),
        (
            "packages/api/src/orders/orders.service.ts",
            &["packages/api/src/orders/order.entity.ts", "packages/shared/src/slug.ts"],
        ),
        (
            "packages/shared/src/index.ts",
            &["packages/shared/src/money.ts", "packages/shared/src/slug.ts"],
        ),
        (
            "packages/web/src/App.tsx",
            &[
                "packages/shared/src/money.ts",
                "packages/shared/src/slug.ts",
                "packages/web/src/admin/index.tsx",
                "packages/web/src/cart/Cart.tsx",
                "packages/web/src/price.ts",
            ],
        ),
        ("packages/web/src/cart/Cart.test.tsx", &["packages/web/src/cart/Cart.tsx"]),
        ("packages/web/src/cart/Cart.tsx", &["packages/web/src/cart/useCart.js"]),
        ("packages/web/src/cart/useCart.js", &["packages/shared/src/index.ts"]),
    ]);
    let blind = &acme.survey.architecture.blind;
    assert_eq!(blind.unresolved, 1, "the missing one");
    assert_eq!(blind.broken, Vec::<String>::new());
    assert_eq!(blind.skipped, ["packages/web/dist", "packages/web/node_modules"]);
    assert!(acme.survey.shard.files.iter().all(|f| f.path != "packages/web/src/strings.ts"));
    let why = acme.told(&["why", "web/src/App.tsx", "shared/src/slug"]);
    assert!(why.contains("App.tsx:2 → packages/shared/src/slug.ts"), "{why}");
}

#[test]
fn decorators_and_jsx_tell_roles_and_a_service_class_none() {
    let acme = Looked::at("acme-roles", ACME);
    let orders = |name: &str| format!("packages/api/src/orders/{name}.ts");
    acme.assert_roles(&[
        (&orders("orders.controller"), Some((Role::HttpApi, Code))),
        (&orders("orders.service"), None),
        (&orders("order.entity"), Some((Role::DataModel, Code))),
        ("packages/web/src/App.tsx", Some((Role::Ui, Code))),
        ("packages/web/src/cart/useCart.js", None),
        ("packages/web/src/locale/de.ts", None),
    ]);
    assert_eq!(acme.kind("packages/api/src/main.ts"), FileKind::EntryPoint);
    assert_eq!(acme.kind("packages/shared/src/index.ts"), FileKind::CrateRoot);
    assert_eq!(acme.kind("packages/web/src/cart/Cart.test.tsx"), FileKind::Test);
    assert_eq!(acme.kind("packages/web/vite.config.ts"), FileKind::BuildScript);
    let shown = |name| acme.shown(name);
    let nest = "depends on @nestjs/core (packages/api/package.json:6)";
    assert_eq!(shown("nestjs").as_deref(), Some(nest));
    assert_eq!(shown("postgresql").as_deref(), Some("depends on pg (packages/api/package.json:8)"));
    assert!(shown("react").is_some() && shown("vite").is_some());
    assert_eq!(shown("express"), None, "needed to develop only");
    let text = acme.told(&[]);
    for words in ["web service", "modular: 1 package builds programs", " TypeScript, "] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn express_in_javascript() {
    let shop = Looked::at(
        "express",
        &[
            (
                "package.json",
                "{\n  \"name\": \"shop\",\n  \"bin\": \"bin/shop.js\",\n  \"dependencies\": { \"express\": \"4\" }\n}\n",
            ),
            (
                "src/app.js",
                "const express = require('express');\nconst orders = require('./routes/orders');\nconst app = express();\napp.use(orders);\n",
            ),
            (
                "src/routes/orders.js",
                "const { Router } = require('express');\nconst db = require('../db');\nconst router = Router();\nrouter.get('/', db.all);\n",
            ),
            ("src/db/index.js", "const { Pool } = require('pg');\nmodule.exports = new Pool();\n"),
            ("src/errors.js", "class NotFound extends Error {}\n"),
            ("src/store.js", "export const reducer = () => {};\n"),
        ],
    );
    shop.assert_edges(&[
        ("src/app.js", &["src/routes/orders.js"]),
        ("src/routes/orders.js", &["src/db/index.js"]),
    ]);
    shop.assert_roles(&[
        ("src/app.js", Some((Role::HttpApi, Code))),
        ("src/routes/orders.js", Some((Role::HttpApi, Code))),
        ("src/db/index.js", Some((Role::Persistence, Code))),
        ("src/errors.js", Some((Role::Error, Name))),
        ("src/store.js", None),
    ]);
    assert_eq!(shop.shown("express").as_deref(), Some("depends on express (package.json:4)"));
}

#[test]
fn a_name_says_what_it_ends_in_only_after_a_dot() {
    let names = ["story", "spec", "test", "e2e", "a.story", "a.spec", "a.test", "setupTests"];
    let files = names.map(|name| (format!("src/lib/{name}.ts"), "export const a = 1;\n"));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let blog = Looked::at("ecmascript-names", &files);
    let kinds = files.iter().map(|(path, _)| blog.kind(path)).collect::<Vec<_>>();
    assert_eq!(kinds[..4], [FileKind::Module; 4]);
    assert_eq!(kinds[4..], [FileKind::Example, FileKind::Test, FileKind::Test, FileKind::Test]);
}

#[test]
fn a_byte_order_mark_hides_no_manifest() {
    let marked = Looked::at(
        "bom",
        &[
            ("package.json", "\u{feff}{ \"dependencies\": { \"express\": \"4\" } }\n"),
            (
                "tsconfig.json",
                "\u{feff}{ \"compilerOptions\": { \"paths\": { \"app/*\": [\"lib/*\"] } } }\n",
            ),
            ("lib/a.ts", "import { b } from \"app/b\";\n"),
            ("lib/b.ts", "export const b = 1;\n"),
        ],
    );
    marked.assert_edges(&[("lib/a.ts", &["lib/b.ts"])]);
    assert_eq!(marked.shown("express").as_deref(), Some("depends on express (package.json:1)"));
}
