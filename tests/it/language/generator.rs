//! Writes random workflows in all forms of the body language. `WRITE_PROGRAMS=1 cargo test --test it generator` writes
//! `programs.rs` anew, after which `cargo fmt` is to be left out: the test compares the text.

use std::fmt::Write as _;

const PROGRAMS: u32 = 30;
const SEED: u64 = 20;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/language/programs.rs");

#[test]
fn the_committed_programs_are_the_generators() {
    let text = programs();
    if std::env::var_os("WRITE_PROGRAMS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    assert!(std::fs::read_to_string(FILE).unwrap() == text, "`programs.rs` is not the generator's");
}

fn programs() -> String {
    let mut random = Random(SEED);
    let mut out = String::from(
        "//! Written by `generator.rs`: do not edit.\n\
         #![allow(warnings, clippy::all, clippy::pedantic, reason = \"nobody reads them\")]\n\n\
         use pgflow::workflow;\n\n\
         use super::program_steps::*;\n",
    );
    let mut table = String::new();
    for i in 0..PROGRAMS {
        let program = Program::new(&mut random);
        let effects = program.effects.clone();
        let body = program.write();
        let _ = write!(
            out,
            "\n#[workflow(id = \"random_{i}\")]\n\
             pub async fn random_{i}(run: u32, n: u32) -> Fallible<u32> {{\n{body}}}\n"
        );
        let _ = writeln!(table, "            random_{i} {effects:?};");
    }
    let _ = write!(
        out,
        "\n/// Calls a macro with all programs; each with the places of its effects.\n\
         macro_rules! each_program {{\n    ($check:ident) => {{\n        $check! {{\n{table}        }}\n    }};\n}}\n\
         pub(crate) use each_program;\n"
    );
    out
}

/// The generator `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

struct Program<'r> {
    random: &'r mut Random,
    lines: Vec<String>,
    /// Numbers in sight.
    names: Vec<String>,
    effects: Vec<u32>,
    place: u32,
    /// Branches around the statement under way.
    depth: usize,
    /// Forms that may stand in a program once.
    once: Vec<&'static str>,
}

impl<'r> Program<'r> {
    fn new(random: &'r mut Random) -> Self {
        let mut program = Self {
            random,
            lines: vec![],
            names: vec!["n".into()],
            effects: vec![],
            place: 0,
            depth: 0,
            once: vec![],
        };
        for _ in 0..5 + program.random.below(7) {
            program.statement();
        }
        program
    }

    fn statement(&mut self) {
        match self.random.below(24) {
            0 | 1 => self.step(),
            2 => self.pure_let(),
            3 => self.tolerated(),
            4 | 5 => self.effect(),
            6 => self.borrowed(),
            7 => self.choice(),
            8 => self.matched(),
            9 => self.map_closure(),
            10 => self.map_path(),
            11 => self.map_tolerated(),
            12 => self.map_partial(),
            13 => self.after(),
            14 if self.first("nested") => self.nested(),
            15 if self.first("required") => self.required(),
            16 if self.first("signal") => self.signal(),
            17 => self.sleep(),
            18 => self.child(),
            19..=23 if self.depth < 2 => self.branch(),
            _ => self.condition(),
        }
    }

    fn first(&mut self, form: &'static str) -> bool {
        let first = !self.once.contains(&form);
        self.once.push(form);
        first
    }

    fn write(mut self) -> String {
        let sum: String = self.names.iter().skip(1).fold(String::new(), |mut sum, name| {
            let _ = write!(sum, ".wrapping_add({name})");
            sum
        });
        let value = self.pure();
        match self.random.below(4) {
            0 => self.lines.push(format!("let _end = {value}{sum};")),
            _ => self.lines.push(format!("let _end = n{sum};")),
        }
        let value = match self.random.below(5) {
            0 => "if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }".to_owned(),
            1 => {
                let place = self.place();
                format!("#[id = \"last\"]\n    inc(run, {place}, _end).await")
            }
            2 | 3 => self.last_branch(),
            _ => "Ok(_end)".to_owned(),
        };
        self.lines.push(value);
        self.lines.iter().fold(String::new(), |mut body, line| {
            let _ = writeln!(body, "    {line}");
            body
        })
    }

    /// Final calls and values in arms.
    fn last_branch(&mut self) -> String {
        let (one, two) = (self.place(), self.place());
        let then = self.arm(|_| format!("#[id = \"last\"]\n    inc(run, {one}, _end).await"));
        format!(
            "match half(_end) {{\n    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),\n    Some(_q) => {then}\n    \
             #[id = \"least\"]\n    None => flaky(run, {two}, _end).await,\n    }}"
        )
    }

    /// A block of some statements and a value, with names of its own.
    fn arm(&mut self, value: impl FnOnce(&mut Self) -> String) -> String {
        let (lines, names) = (std::mem::take(&mut self.lines), self.names.clone());
        self.depth += 1;
        for _ in 0..self.random.below(3) {
            self.statement();
        }
        let value = value(self);
        self.lines.push(value);
        self.depth -= 1;
        self.names = names;
        let lines = std::mem::replace(&mut self.lines, lines);
        format!("{{\n    {}\n    }}", lines.join("\n    "))
    }

    /// An arm that comes to a number.
    fn number_arm(&mut self) -> String {
        self.arm(|program| match program.random.below(3) {
            0 => {
                let (place, a) = (program.place(), program.pure());
                format!("#[id = \"i{place}\"]\n    inc(run, {place}, {a}).await?")
            }
            _ => program.pure(),
        })
    }

    /// The same with another number in sight.
    fn number_arm_of(&mut self, name: &str) -> String {
        let names = self.names.clone();
        self.names.retain(|n| n != name);
        self.names.push(name.into());
        let arm = self.number_arm();
        self.names = names;
        arm
    }

    fn branch(&mut self) {
        match self.random.below(6) {
            0 => self.if_value(),
            1 => self.if_let_value(),
            2 => self.match_value(),
            3 => self.if_statement(),
            4 => self.match_result(),
            _ => self.branch_as_argument(),
        }
    }

    fn if_value(&mut self) {
        let (a, b) = (self.pure(), self.atom());
        let (then, other) = (self.number_arm(), self.number_arm());
        self.bind(|_| format!("if {a} > {b} {then} else {other}"));
    }

    fn if_let_value(&mut self) {
        let (a, c, q) = (self.pure(), self.atom(), self.name());
        let (then, or, other) = (self.number_arm_of(&q), self.number_arm(), self.number_arm());
        self.bind(|_| {
            format!(
                "if let Some({q}) = half({a}) && {q} > 1 {then} else if {c} > 9 {or} else {other}"
            )
        });
    }

    fn match_value(&mut self) {
        let (place, a, q) = (self.place(), self.pure(), self.name());
        self.lines
            .push(format!("#[id = \"i{place}\"]\n    let _k = kind(run, {place}, {a}).await?;"));
        let b = self.atom();
        let (even, odd, named) =
            (self.number_arm_of(&q), self.number_arm_of("n"), self.number_arm_of(&q));
        let place = self.place();
        self.bind(|_| {
            format!(
                "match _k.clone() {{\n    #[id = \"i{place}\"]\n    Kind::Unit => inc(run, {place}, {b}).await?,\n    \
                 Kind::One({q}) if {q} % 2 == 0 => {even}\n    Kind::One(n) => {odd}\n    \
                 Kind::Named {{ m: {q}, ref s }} if s.len() > 1 => {named}\n    Kind::Named {{ s, .. }} => s.len() as u32,\n    }}"
            )
        });
    }

    fn if_statement(&mut self) {
        let (place, a, b, c) = (self.place(), self.pure(), self.atom(), self.atom());
        self.effects.push(place);
        let effect = format!("#[id = \"i{place}\"]\n    effect(run, {place}, {c}).await?;");
        let then = self.arm(|_| effect);
        let other = match self.random.below(2) {
            0 => String::new(),
            _ => format!(" else {}", self.arm(|_| String::new())),
        };
        self.lines.push(format!("if {a} % 3 > {b} % 2 {then}{other}"));
    }

    fn match_result(&mut self) {
        let (place, a) = (self.place(), self.pure());
        let (done, failed) = (self.number_arm_of("n"), self.pure());
        let on = self.place();
        self.lines.push(format!("#[id = \"i{on}\"]\n    let _r = flaky(run, {on}, {a}).await;"));
        let told = format!(
            "#[id = \"i{place}\"]\n    let _told = text(run, {place}, n, &e.to_string()).await?;"
        );
        self.bind(|_| {
            format!("match _r {{\n    Ok(n) => {done}\n    Err(e) => {{\n    {told}\n    let _l = _told.len() as u32;\n    _l.wrapping_add({failed})\n    }}\n    }}")
        });
    }

    fn branch_as_argument(&mut self) {
        let (a, b) = (self.pure(), self.atom());
        let then = self.number_arm();
        self.bind(|_| format!("{b}.wrapping_add(if {a} > {b} {then} else {{ {b} }})"));
    }

    fn place(&mut self) -> u32 {
        self.place += 1;
        self.place
    }

    /// Few names, so that they shadow each other; a leading `_`, as some are not read.
    fn name(&mut self) -> String {
        format!("_{}", ["a", "b", "c", "d", "e"][self.random.below(5)])
    }

    fn atom(&mut self) -> String {
        let i = self.random.below(self.names.len() + 1);
        self.names.get(i).cloned().unwrap_or_else(|| "5u32".into())
    }

    fn pure(&mut self) -> String {
        let (a, b) = (self.atom(), self.atom());
        let i = self.random.below(self.names.len());
        let name = &self.names[i];
        match self.random.below(8) {
            0 => format!("{a}.wrapping_add({b})"),
            1 => format!("({a} ^ 7u32)"),
            2 => format!("(format!(\"{{{name}:>3}}\").len() as u32)"),
            3 => format!(
                "[{a}, {b}].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)"
            ),
            4 => format!("({{ let n = {a}; let q = n.wrapping_add({b}); q }})"),
            5 => format!("half({a}).map_or({b}, |x| x)"),
            6 => format!("(if {a} > {b} {{ {a} }} else {{ {b} }})"),
            _ => format!("(match {a} % 3 {{ 0 => {b}, n if n == 1 => n, _ => {a} }})"),
        }
    }

    fn bind(&mut self, value: impl FnOnce(&mut Self) -> String) {
        let value = value(self);
        let name = self.name();
        self.lines.push(format!("let {name} = {value};"));
        self.names.retain(|n| *n != name);
        self.names.push(name);
    }

    fn call(&mut self, value: impl FnOnce(&mut Self, u32) -> String) {
        let place = self.place();
        self.lines.push(format!("#[id = \"i{place}\"]"));
        self.bind(|program| value(program, place));
    }

    fn step(&mut self) {
        self.call(|p, place| {
            let (a, b) = (p.pure(), p.atom());
            match p.random.below(2) {
                0 => format!("inc(run, {place}, {a}).await?"),
                _ => format!("mix(run, {place}, {b}, {a}).await?"),
            }
        });
    }

    fn pure_let(&mut self) {
        self.bind(Self::pure);
    }

    fn tolerated(&mut self) {
        let (place, a) = (self.place(), self.pure());
        self.lines
            .push(format!("#[id = \"i{place}\"]\n    let _r = flaky(run, {place}, {a}).await;"));
        self.bind(|_| "match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 }".into());
    }

    fn effect(&mut self) {
        let (place, a) = (self.place(), self.pure());
        self.effects.push(place);
        let form = ["", "let _ = "][self.random.below(2)];
        self.lines
            .push(format!("#[id = \"i{place}\"]\n    {form}effect(run, {place}, {a}).await?;"));
    }

    fn borrowed(&mut self) {
        let (place, a) = (self.place(), self.atom());
        let i = self.random.below(self.names.len());
        let name = self.names[i].clone();
        self.lines.push(format!("let _t = format!(\"{{{name}:>4}}\");"));
        self.lines.push(format!(
            "#[id = \"i{place}\"]\n    let _u = text(run, {place}, {a}, &_t).await?;"
        ));
        self.bind(|_| "_u.len() as u32".into());
    }

    fn choice(&mut self) {
        self.bind(|p| {
            let (a, b, c) = (p.pure(), p.pure(), p.atom());
            format!("if let Some(n) = half({a}) && n > 1 {{ n }} else if {c} > 9 {{ {c} }} else {{ {b} }}")
        });
    }

    fn matched(&mut self) {
        let (place, a) = (self.place(), self.pure());
        self.lines
            .push(format!("#[id = \"i{place}\"]\n    let _k = kind(run, {place}, {a}).await?;"));
        self.bind(|p| {
            let (q, b) = (p.name(), p.atom());
            format!(
                "match _k.clone() {{ Kind::Unit => {b}, Kind::One({q}) if {q} % 2 == 0 => {q}.wrapping_mul(2), \
                 Kind::One(n) => n, Kind::Named {{ m: {q}, ref s }} => {q}.wrapping_add(s.len() as u32) }}"
            )
        });
    }

    fn map_closure(&mut self) {
        self.call(|p, place| {
            let (a, b, c) = (p.pure(), p.atom(), p.atom());
            format!(
                "pgflow::map(vec![{a}, {b}], |x| mix(run, {place}, x, {c})).await?.iter().copied().fold(0u32, u32::wrapping_add)"
            )
        });
    }

    fn map_path(&mut self) {
        self.call(|p, place| {
            let a = p.atom();
            format!(
                "pgflow::map((0..{a} % 4).map(|x| (run, {place}, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add)"
            )
        });
    }

    fn map_tolerated(&mut self) {
        self.call(|p, place| {
            let a = p.atom();
            format!(
                "match pgflow::map(0..{a} % 3, |x| flaky(run, {place}, x)).await {{ Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 }}"
            )
        });
    }

    fn map_partial(&mut self) {
        self.call(|p, place| {
            let a = p.atom();
            format!(
                "match pgflow::map(0..{a} % 5, |x| flaky(run, {place}, x)).at_least(0.6).limit(2).await {{ \
                 Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 }}"
            )
        });
    }

    fn signal(&mut self) {
        let limit = ["", ".within(\"1h\")"][self.random.below(2)];
        self.bind(|_| format!("pgflow::signal::<u32>(\"given\"){limit}.await?"));
    }

    fn sleep(&mut self) {
        let place = self.place();
        self.lines.push(format!(
            "#[id = \"i{place}\"]\n    pgflow::sleep(std::time::Duration::ZERO).await;"
        ));
    }

    fn child(&mut self) {
        self.call(|p, place| {
            let a = p.pure();
            match p.random.below(2) {
                0 => format!("pgflow::child(doubled(run, {place}, {a})).await?"),
                _ => format!(
                    "match pgflow::child(doubled(run, {place}, {a})).await {{ Ok(n) => n, Err(e) => e.to_string().len() as u32 }}"
                ),
            }
        });
    }

    fn after(&mut self) {
        let i = self.random.below(self.names.len());
        let name = self.names[i].clone();
        self.call(|p, place| {
            let a = p.pure();
            format!("pgflow::after(&{name}, inc(run, {place}, {a})).await?")
        });
    }

    fn nested(&mut self) {
        self.call(|p, place| {
            let (inside, a, b) = (p.place(), p.pure(), p.pure());
            format!(
                "mix(run, {place}, inner(run, {inside}, {a}).await?, {b}).await?.wrapping_add(1)"
            )
        });
    }

    fn required(&mut self) {
        self.call(|p, place| {
            let a = p.atom();
            format!("flaky(run, {place}, {a}).await?")
        });
    }

    fn condition(&mut self) {
        self.call(|p, place| {
            let (a, b, c) = (p.pure(), p.atom(), p.atom());
            format!("if inc(run, {place}, {a}).await? % 2 == 0 {{ {b} }} else {{ {c} }}")
        });
    }
}
