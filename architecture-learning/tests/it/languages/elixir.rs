//! A Phoenix application with contexts, a worker and a live view.

use architecture_learning::architecture::Basis::{Code, Name};
use architecture_learning::discovery::FileKind;
use architecture_learning::role::Role;

use super::Looked;

const SHOP: &[(&str, &str)] = &[
    (
        "mix.exs",
        "defmodule Shop.MixProject do\n  use Mix.Project\n  def application, do: [mod: {Shop.Application, []}]\n  defp deps do\n    [\n      {:phoenix, \"~> 1.7\"},\n      {:postgrex, \">= 0.0.0\"},\n      {:oban, \"~> 2.0\"},\n      {:redix, \"~> 1.0\", only: [:dev, :test]}\n    ]\n  end\nend\n",
    ),
    ("config/config.exs", "import Config\n\nconfig :shop, Shop.Repo, pool_size: 10\n"),
    (
        "lib/shop/application.ex",
        "defmodule Shop.Application do\n  use Application\n  def start(_, _), do: Supervisor.start_link([Shop.Repo, {Phoenix.PubSub, name: Shop.PubSub}, ShopWeb.Endpoint], [])\nend\n",
    ),
    (
        "lib/shop/repo.ex",
        "defmodule Shop.Repo do\n  use Ecto.Repo, otp_app: :shop, adapter: Ecto.Adapters.Postgres\nend\n",
    ),
    (
        "lib/shop/orders.ex",
        "defmodule Shop.Orders do\n  import Ecto.Query\n  alias Shop.Repo\n  alias Shop.Orders.{Order, Line}\n\n  def all, do: Repo.all(from o in Order, preload: :lines)\n  def line, do: %Line{}\nend\n",
    ),
    (
        "lib/shop/orders/order.ex",
        "defmodule Shop.Orders.Order do\n  use Ecto.Schema\n  schema \"orders\" do\n    has_many :lines, Shop.Orders.Line\n  end\nend\n",
    ),
    (
        "lib/shop/orders/line.ex",
        "defmodule Shop.Orders.Line do\n  use Ecto.Schema\n  defmodule Total do\n    defstruct [:n]\n  end\n  def total, do: %Total{n: 1}\nend\n",
    ),
    (
        "lib/shop/mailer_worker.ex",
        "defmodule Shop.MailerWorker do\n  use Oban.Worker, queue: :mail\n  alias Shop.Orders, as: Sales\n  def perform(_), do: Sales.all()\nend\n",
    ),
    (
        "lib/shop/pricing.ex",
        "defmodule Shop.Pricing do\n  def price(%Shop.Orders.Line.Total{n: n}), do: n\nend\n",
    ),
    (
        "lib/shop_web.ex",
        "defmodule ShopWeb do\n  def controller do\n    quote do\n      use Phoenix.Controller\n    end\n  end\nend\n",
    ),
    (
        "lib/shop_web/endpoint.ex",
        "defmodule ShopWeb.Endpoint do\n  use Phoenix.Endpoint, otp_app: :shop\n  plug ShopWeb.Router\nend\n",
    ),
    (
        "lib/shop_web/router.ex",
        "defmodule ShopWeb.Router do\n  use ShopWeb, :router\n  scope \"/\", ShopWeb do\n    get \"/orders\", OrderController, :index\n    live \"/cart\", ShopWeb.CartLive\n  end\nend\n",
    ),
    (
        "lib/shop_web/controllers/order_controller.ex",
        "defmodule ShopWeb.OrderController do\n  use ShopWeb, :controller\n  def index(conn, _), do: json(conn, Shop.Orders.all())\nend\n",
    ),
    (
        "lib/shop_web/live/cart_live.ex",
        "defmodule ShopWeb.CartLive do\n  use ShopWeb, :live_view\n  require Logger\n  def render(assigns), do: ~H\"<b></b>\"\nend\n",
    ),
    (
        "test/shop/orders_test.exs",
        "defmodule Shop.OrdersTest do\n  use ExUnit.Case\n  alias Shop.Orders\nend\n",
    ),
    ("deps/phoenix/lib/phoenix.ex", "defmodule Phoenix do\nend\n"),
];

#[test]
fn modules_are_found_by_name_and_alias() {
    let shop = Looked::at("elixir-shop", SHOP);
    shop.assert_edges(&[
        ("config/config.exs", &["lib/shop/repo.ex"]),
        ("lib/shop/application.ex", &["lib/shop/repo.ex", "lib/shop_web/endpoint.ex"]),
        ("lib/shop/mailer_worker.ex", &["lib/shop/orders.ex"]),
        (
            "lib/shop/orders.ex",
            &["lib/shop/orders/line.ex", "lib/shop/orders/order.ex", "lib/shop/repo.ex"],
        ),
        ("lib/shop/orders/order.ex", &["lib/shop/orders/line.ex"]),
        ("lib/shop/pricing.ex", &["lib/shop/orders/line.ex"]),
        (
            "lib/shop_web/controllers/order_controller.ex",
            &["lib/shop/orders.ex", "lib/shop_web.ex"],
        ),
        ("lib/shop_web/endpoint.ex", &["lib/shop_web/router.ex"]),
        ("lib/shop_web/live/cart_live.ex", &["lib/shop_web.ex"]),
        (
            "lib/shop_web/router.ex",
            &[
                "lib/shop_web.ex",
                "lib/shop_web/controllers/order_controller.ex",
                "lib/shop_web/live/cart_live.ex",
            ],
        ),
        ("mix.exs", &["lib/shop/application.ex"]),
        ("test/shop/orders_test.exs", &["lib/shop/orders.ex"]),
    ]);
    assert_eq!(shop.survey.architecture.blind.skipped, ["deps"]);
    let why = shop.told(&["why", "ShopWeb.OrderController", "Shop.Orders"]);
    assert!(why.contains("order_controller.ex:3 → lib/shop/orders.ex"), "{why}");
}

#[test]
fn what_a_module_uses_tells_its_role() {
    let shop = Looked::at("elixir-roles", SHOP);
    shop.assert_roles(&[
        ("config/config.exs", Some((Role::Config, Name))),
        ("lib/shop/repo.ex", Some((Role::Persistence, Code))),
        ("lib/shop/orders/order.ex", Some((Role::DataModel, Code))),
        ("lib/shop/orders.ex", None),
        ("lib/shop/pricing.ex", None),
        ("lib/shop/mailer_worker.ex", Some((Role::Runtime, Code))),
        ("lib/shop_web/router.ex", Some((Role::HttpApi, Code))),
        ("lib/shop_web/controllers/order_controller.ex", Some((Role::HttpApi, Code))),
        ("lib/shop_web/live/cart_live.ex", Some((Role::Ui, Code))),
    ]);
    assert_eq!(shop.kind("mix.exs"), FileKind::BuildScript);
    assert_eq!(shop.kind("lib/shop/application.ex"), FileKind::EntryPoint);
    assert_eq!(shop.kind("test/shop/orders_test.exs"), FileKind::Test);
    assert_eq!(shop.shown("phoenix").as_deref(), Some("depends on phoenix (mix.exs:6)"));
    assert_eq!(shop.shown("postgresql").as_deref(), Some("depends on postgrex (mix.exs:7)"));
    assert_eq!(shop.shown("redis"), None, "needed to develop only");
    let text = shop.told(&[]);
    for words in [" lines of Elixir", "web service", "the model has learnt Rust only"] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn a_module_at_the_top_is_nobodys_alias() {
    let shop = Looked::at(
        "elixir-names",
        &[
            ("lib/order.ex", "defmodule Order do\n  def new, do: 1\nend\n"),
            (
                "lib/shop/order.ex",
                "defmodule Shop.Order do\n  defmodule Line do\n    def new, do: 1\n  end\n  def new, do: {Order.new(), Line.new(), Task.async(&new/0)}\nend\n",
            ),
            ("lib/shop/task.ex", "defmodule Shop.Task do\n  def run, do: Task.await(1)\nend\n"),
            ("lib/line.ex", "defmodule Line do\nend\n"),
        ],
    );
    shop.assert_edges(&[("lib/shop/order.ex", &["lib/order.ex"])]);
    for path in ["lib/shop/order.ex", "lib/shop/task.ex"] {
        let file = shop.survey.shard.files.iter().find(|f| f.path == path).expect("the file");
        assert!(file.dependencies.contains("Task"), "{path}: {:?}", file.dependencies);
    }
}
