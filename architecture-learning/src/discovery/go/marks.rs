//! Marks of frameworks in Go, with the confidences of the original pipeline where it had the marker, and the code that
//! tells a role.

use crate::discovery::dialect::{Framework, SignRule};
use crate::role::Role;

pub(super) const FRAMEWORKS: &[Framework] = &[
    ("gin", "framework", 0.95, &["github.com/gin-gonic/gin"]),
    ("echo", "framework", 0.95, &["github.com/labstack/echo"]),
    ("chi", "framework", 0.95, &["github.com/go-chi/chi", "github.com/gorilla/mux"]),
    ("fiber", "framework", 0.95, &["github.com/gofiber/fiber"]),
    ("grpc", "framework", 0.95, &["google.golang.org/grpc", "connectrpc.com/connect"]),
    (
        "net_http",
        "framework",
        0.88,
        &["http.ListenAndServe", "http.ListenAndServeTLS", "http.Server", "http.HandleFunc"],
    ),
    (
        "cobra",
        "framework",
        0.95,
        &["github.com/spf13/cobra", "github.com/urfave/cli", "github.com/alecthomas/kong"],
    ),
    ("flag", "framework", 0.95, &["flag.Parse"]),
    (
        "bubbletea",
        "framework",
        0.95,
        &["github.com/charmbracelet/bubbletea", "github.com/rivo/tview"],
    ),
    ("orm", "technology", 0.90, &["gorm.io/gorm", "entgo.io/ent", "github.com/uptrace/bun"]),
    ("postgresql", "technology", 0.75, &["github.com/jackc/pgx", "github.com/lib/pq"]),
    ("mysql", "technology", 0.75, &["github.com/go-sql-driver/mysql"]),
    ("sqlite", "technology", 0.75, &["github.com/mattn/go-sqlite3", "modernc.org/sqlite"]),
    ("mongodb", "technology", 0.80, &["go.mongodb.org/mongo-driver"]),
    (
        "redis",
        "technology",
        0.85,
        &[
            "github.com/redis/go-redis",
            "github.com/go-redis/redis",
            "github.com/bradfitz/gomemcache",
        ],
    ),
    (
        "rabbitmq",
        "technology",
        0.75,
        &["github.com/rabbitmq/amqp091-go", "github.com/streadway/amqp"],
    ),
    (
        "kafka",
        "technology",
        0.80,
        &[
            "github.com/segmentio/kafka-go",
            "github.com/IBM/sarama",
            "github.com/confluentinc/confluent-kafka-go",
        ],
    ),
    (
        "embedded_store",
        "technology",
        0.80,
        &["go.etcd.io/bbolt", "github.com/dgraph-io/badger", "github.com/cockroachdb/pebble"],
    ),
    ("protobuf", "technology", 0.90, &["google.golang.org/protobuf"]),
    ("kubernetes", "technology", 0.90, &["k8s.io/client-go", "sigs.k8s.io/controller-runtime"]),
];

pub(super) const RULES: &[SignRule] = &[
    SignRule {
        role: Role::HttpApi,
        packages: &[
            "github.com/gin-gonic/gin",
            "github.com/labstack/echo",
            "github.com/go-chi/chi",
            "github.com/gofiber/fiber",
            "github.com/gorilla/mux",
        ],
        signs: &[],
    },
    SignRule {
        role: Role::HttpApi,
        packages: &["net/http"],
        signs: &[
            "http.Handle",
            "http.HandleFunc",
            "http.Handler",
            "http.HandlerFunc",
            "http.ListenAndServe",
            "http.NewServeMux",
            "http.ResponseWriter",
            "http.ServeMux",
        ],
    },
    SignRule {
        role: Role::Cli,
        packages: &[
            "github.com/spf13/cobra",
            "github.com/urfave/cli",
            "github.com/alecthomas/kong",
        ],
        signs: &[],
    },
    SignRule {
        role: Role::Cli,
        packages: &["flag"],
        signs: &["flag.NewFlagSet", "flag.Parse", "flag.String"],
    },
    SignRule {
        role: Role::Ui,
        packages: &["github.com/charmbracelet/bubbletea", "github.com/rivo/tview", "fyne.io/fyne"],
        signs: &[],
    },
    SignRule {
        role: Role::DataModel,
        packages: &["gorm.io/gorm"],
        signs: &["gorm.Model", "gorm.DeletedAt"],
    },
    SignRule {
        role: Role::Persistence,
        packages: &[
            "database/sql",
            "github.com/jackc/pgx",
            "github.com/jmoiron/sqlx",
            "gorm.io/gorm",
            "go.mongodb.org/mongo-driver",
            "github.com/redis/go-redis",
            "github.com/go-redis/redis",
            "go.etcd.io/bbolt",
            "github.com/dgraph-io/badger",
            "github.com/cockroachdb/pebble",
            "github.com/uptrace/bun",
        ],
        signs: &[],
    },
    SignRule {
        role: Role::Config,
        packages: &[
            "github.com/spf13/viper",
            "github.com/kelseyhightower/envconfig",
            "github.com/knadh/koanf",
            "github.com/caarlos0/env",
        ],
        signs: &[],
    },
    SignRule {
        role: Role::Transport,
        packages: &[
            "google.golang.org/grpc",
            "net",
            "net/http",
            "github.com/gorilla/websocket",
            "nhooyr.io/websocket",
        ],
        signs: &[
            "grpc.*",
            "net.Listen*",
            "net.Dial*",
            "net.Conn",
            "http.Client",
            "http.RoundTripper",
            "http.Transport",
            "websocket.*",
        ],
    },
    SignRule {
        role: Role::Observability,
        packages: &["github.com/prometheus/client_golang", "go.opentelemetry.io/otel"],
        signs: &[],
    },
    SignRule {
        role: Role::Observability,
        packages: &[
            "go.uber.org/zap",
            "github.com/sirupsen/logrus",
            "github.com/rs/zerolog",
            "log/slog",
        ],
        signs: &[
            "zap.New*",
            "zap.Config",
            "logrus.New",
            "zerolog.New",
            "slog.New*",
            "slog.SetDefault",
            "slog.Handler",
        ],
    },
    SignRule {
        role: Role::Security,
        packages: &[
            "golang.org/x/crypto",
            "github.com/golang-jwt/jwt",
            "crypto/aes",
            "crypto/rsa",
            "crypto/ecdsa",
            "crypto/ed25519",
            "crypto/tls",
            "crypto/x509",
        ],
        signs: &[],
    },
    SignRule {
        role: Role::Codegen,
        packages: &["go/format", "github.com/dave/jennifer"],
        signs: &["format.Source", "format.Node", "jen.*"],
    },
    SignRule {
        role: Role::Parsing,
        packages: &["go/parser", "go/scanner", "text/scanner"],
        signs: &[],
    },
    SignRule {
        role: Role::Runtime,
        packages: &["github.com/robfig/cron", "github.com/hibiken/asynq"],
        signs: &[],
    },
    SignRule { role: Role::Platform, packages: &["golang.org/x/sys"], signs: &[] },
];
