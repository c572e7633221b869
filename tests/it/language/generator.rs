//! Writes random workflows in all forms of the body language. `WRITE_PROGRAMS=1 cargo test --test it generator` writes
//! `programs.rs` anew, after which `cargo fmt` is to be left out: the test compares the text.

use std::fmt::Write as _;

const PROGRAMS: u32 = 25;
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
}

impl<'r> Program<'r> {
    fn new(random: &'r mut Random) -> Self {
        let mut program =
            Self { random, lines: vec![], names: vec!["n".into()], effects: vec![], place: 0 };
        let mut required = false;
        let mut nested = false;
        for _ in 0..6 + program.random.below(8) {
            match program.random.below(15) {
                0 | 1 => program.step(),
                2 => program.pure_let(),
                3 => program.tolerated(),
                4 | 5 => program.effect(),
                6 => program.borrowed(),
                7 => program.choice(),
                8 => program.matched(),
                9 => program.map_closure(),
                10 => program.map_path(),
                11 => program.map_tolerated(),
                12 => program.after(),
                13 if !nested => {
                    nested = true;
                    program.nested();
                }
                14 if !required => {
                    required = true;
                    program.required();
                }
                _ => program.condition(),
            }
        }
        program
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
        let value = match self.random.below(3) {
            0 => "if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }".to_owned(),
            1 => {
                let place = self.place();
                format!("#[id = \"last\"]\n    inc(run, {place}, _end).await")
            }
            _ => "Ok(_end)".to_owned(),
        };
        self.lines.push(value);
        self.lines.iter().fold(String::new(), |mut body, line| {
            let _ = writeln!(body, "    {line}");
            body
        })
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
