//! Written by `generator.rs`: do not edit.
#![allow(warnings, clippy::all, clippy::pedantic, reason = "nobody reads them")]

use pgflow::workflow;

use super::program_steps::*;

#[workflow(id = "random_0")]
pub async fn random_0(run: u32, n: u32) -> Fallible<u32> {
    let _b = (format!("{n:>3}").len() as u32);
    let _b = if let Some(n) = half((n ^ 7u32)) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { (match 5u32 % 3 { 0 => 5u32, n if n == 1 => n, _ => 5u32 }) };
    #[id = "i1"]
    let _d = match pgflow::map(0..n % 3, |x| flaky(run, 1, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _b = (match 5u32 % 3 { 0 => 5u32, n if n == 1 => n, _ => 5u32 });
    #[id = "i2"]
    let _d = pgflow::after(&n, inc(run, 2, (format!("{n:>3}").len() as u32))).await?;
    #[id = "i3"]
    let _b = mix(run, 3, inner(run, 4, (if 5u32 > _d { 5u32 } else { _d })).await?, (format!("{n:>3}").len() as u32)).await?.wrapping_add(1);
    #[id = "i5"]
    let _a = mix(run, 5, 5u32, ({ let n = _b; let q = n.wrapping_add(5u32); q })).await?;
    #[id = "i6"]
    let _r = flaky(run, 6, (format!("{_a:>3}").len() as u32)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i7"]
    let _d = pgflow::after(&_b, inc(run, 7, _a.wrapping_add(_d))).await?;
    #[id = "i8"]
    let _e = pgflow::map((0.._b % 4).map(|x| (run, 8, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _end = ({ let n = _d; let q = n.wrapping_add(n); q }).wrapping_add(_b).wrapping_add(_a).wrapping_add(_d).wrapping_add(_e);
    Ok(_end)
}

#[workflow(id = "random_1")]
pub async fn random_1(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _ = effect(run, 1, 5u32.wrapping_add(5u32)).await?;
    let _e = (n ^ 7u32);
    #[id = "i2"]
    let _a = inc(run, 2, (if 5u32 > n { 5u32 } else { n })).await?;
    #[id = "i3"]
    let _e = mix(run, 3, inner(run, 4, (format!("{n:>3}").len() as u32)).await?, (if n > 5u32 { n } else { 5u32 })).await?.wrapping_add(1);
    let _t = format!("{_e:>4}");
    #[id = "i5"]
    let _u = text(run, 5, 5u32, &_t).await?;
    let _d = _u.len() as u32;
    #[id = "i6"]
    let _d = match pgflow::map(0..5u32 % 3, |x| flaky(run, 6, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _e = if let Some(n) = half([5u32, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)) && n > 1 { n } else if _a > 9 { _a } else { (match _e % 3 { 0 => _a, n if n == 1 => n, _ => _e }) };
    #[id = "i7"]
    let _b = flaky(run, 7, _d).await?;
    #[id = "i8"]
    let _a = pgflow::map(vec![(match _d % 3 { 0 => _e, n if n == 1 => n, _ => _d }), n], |x| mix(run, 8, x, _e)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i9"]
    let _b = mix(run, 9, _b, half(_a).map_or(_b, |x| x)).await?;
    #[id = "i10"]
    let _c = if inc(run, 10, (5u32 ^ 7u32)).await? % 2 == 0 { n } else { 5u32 };
    #[id = "i11"]
    let _b = if inc(run, 11, _d.wrapping_add(n)).await? % 2 == 0 { n } else { 5u32 };
    let _end = n.wrapping_add(_d).wrapping_add(_e).wrapping_add(_a).wrapping_add(_c).wrapping_add(_b);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_2")]
pub async fn random_2(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _d = pgflow::after(&n, inc(run, 1, [5u32, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add))).await?;
    #[id = "i2"]
    let _ = effect(run, 2, half(5u32).map_or(5u32, |x| x)).await?;
    #[id = "i3"]
    effect(run, 3, (n ^ 7u32)).await?;
    #[id = "i4"]
    let _a = mix(run, 4, 5u32, (n ^ 7u32)).await?;
    #[id = "i5"]
    let _d = mix(run, 5, 5u32, (match _a % 3 { 0 => 5u32, n if n == 1 => n, _ => _a })).await?;
    #[id = "i6"]
    let _k = kind(run, 6, (format!("{_a:>3}").len() as u32)).await?;
    let _d = match _k.clone() { Kind::Unit => _d, Kind::One(_e) if _e % 2 == 0 => _e.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _e, ref s } => _e.wrapping_add(s.len() as u32) };
    #[id = "i7"]
    let _d = pgflow::map((0.._d % 4).map(|x| (run, 7, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i8"]
    let _e = match pgflow::map(0.._a % 3, |x| flaky(run, 8, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i9"]
    let _d = pgflow::after(&_e, inc(run, 9, 5u32.wrapping_add(5u32))).await?;
    let _end = n.wrapping_add(_a).wrapping_add(_e).wrapping_add(_d);
    #[id = "last"]
    inc(run, 10, _end).await
}

#[workflow(id = "random_3")]
pub async fn random_3(run: u32, n: u32) -> Fallible<u32> {
    let _d = (n ^ 7u32);
    #[id = "i1"]
    let _a = inc(run, 1, [5u32, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i2"]
    let _ = effect(run, 2, (5u32 ^ 7u32)).await?;
    #[id = "i3"]
    let _a = mix(run, 3, inner(run, 4, _a.wrapping_add(n)).await?, _d.wrapping_add(n)).await?.wrapping_add(1);
    #[id = "i5"]
    effect(run, 5, (_a ^ 7u32)).await?;
    #[id = "i6"]
    let _k = kind(run, 6, (_a ^ 7u32)).await?;
    let _c = match _k.clone() { Kind::Unit => _a, Kind::One(_b) if _b % 2 == 0 => _b.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _b, ref s } => _b.wrapping_add(s.len() as u32) };
    #[id = "i7"]
    let _k = kind(run, 7, (format!("{_c:>3}").len() as u32)).await?;
    let _a = match _k.clone() { Kind::Unit => _d, Kind::One(_c) if _c % 2 == 0 => _c.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _c, ref s } => _c.wrapping_add(s.len() as u32) };
    let _end = n.wrapping_add(_d).wrapping_add(_c).wrapping_add(_a);
    Ok(_end)
}

#[workflow(id = "random_4")]
pub async fn random_4(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _e = mix(run, 1, n, ({ let n = n; let q = n.wrapping_add(5u32); q })).await?;
    #[id = "i2"]
    effect(run, 2, (if _e > _e { _e } else { _e })).await?;
    #[id = "i3"]
    let _ = effect(run, 3, (match n % 3 { 0 => 5u32, n if n == 1 => n, _ => n })).await?;
    #[id = "i4"]
    let _d = mix(run, 4, 5u32, (match n % 3 { 0 => n, n if n == 1 => n, _ => n })).await?;
    #[id = "i5"]
    effect(run, 5, (_d ^ 7u32)).await?;
    #[id = "i6"]
    let _a = flaky(run, 6, 5u32).await?;
    #[id = "i7"]
    let _b = inc(run, 7, [_a, _a].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i8"]
    let _b = inc(run, 8, half(_a).map_or(5u32, |x| x)).await?;
    #[id = "i9"]
    let _a = mix(run, 9, inner(run, 10, ({ let n = _d; let q = n.wrapping_add(5u32); q })).await?, (format!("{_b:>3}").len() as u32)).await?.wrapping_add(1);
    let _end = _a.wrapping_add(_a).wrapping_add(_e).wrapping_add(_d).wrapping_add(_b).wrapping_add(_a);
    #[id = "last"]
    inc(run, 11, _end).await
}

#[workflow(id = "random_5")]
pub async fn random_5(run: u32, n: u32) -> Fallible<u32> {
    let _c = (match n % 3 { 0 => n, n if n == 1 => n, _ => n });
    #[id = "i1"]
    let _e = inc(run, 1, (match n % 3 { 0 => _c, n if n == 1 => n, _ => n })).await?;
    #[id = "i2"]
    let _k = kind(run, 2, (n ^ 7u32)).await?;
    let _a = match _k.clone() { Kind::Unit => n, Kind::One(_a) if _a % 2 == 0 => _a.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _a, ref s } => _a.wrapping_add(s.len() as u32) };
    #[id = "i3"]
    let _e = match pgflow::map(0.._e % 3, |x| flaky(run, 3, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i4"]
    effect(run, 4, (if _e > n { _e } else { n })).await?;
    let _c = if let Some(n) = half(({ let n = n; let q = n.wrapping_add(5u32); q })) && n > 1 { n } else if n > 9 { n } else { [n, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add) };
    #[id = "i5"]
    let _ = effect(run, 5, half(_e).map_or(n, |x| x)).await?;
    let _end = n.wrapping_add(_a).wrapping_add(_e).wrapping_add(_c);
    #[id = "last"]
    inc(run, 6, _end).await
}

#[workflow(id = "random_6")]
pub async fn random_6(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    effect(run, 1, half(5u32).map_or(n, |x| x)).await?;
    #[id = "i2"]
    let _d = pgflow::map((0..5u32 % 4).map(|x| (run, 2, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _e = ({ let n = 5u32; let q = n.wrapping_add(_d); q });
    #[id = "i3"]
    let _c = mix(run, 3, _e, _e.wrapping_add(_d)).await?;
    #[id = "i4"]
    let _b = mix(run, 4, inner(run, 5, (match 5u32 % 3 { 0 => _e, n if n == 1 => n, _ => 5u32 })).await?, (_c ^ 7u32)).await?.wrapping_add(1);
    let _t = format!("{n:>4}");
    #[id = "i6"]
    let _u = text(run, 6, _d, &_t).await?;
    let _c = _u.len() as u32;
    #[id = "i7"]
    let _c = pgflow::map((0..5u32 % 4).map(|x| (run, 7, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _end = n.wrapping_add(_d).wrapping_add(_e).wrapping_add(_b).wrapping_add(_c);
    Ok(_end)
}

#[workflow(id = "random_7")]
pub async fn random_7(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _r = flaky(run, 1, (5u32 ^ 7u32)).await;
    let _e = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i2"]
    let _r = flaky(run, 2, ({ let n = _e; let q = n.wrapping_add(n); q })).await;
    let _c = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    let _c = if let Some(n) = half((_c ^ 7u32)) && n > 1 { n } else if n > 9 { n } else { (if _e > n { _e } else { n }) };
    let _t = format!("{_c:>4}");
    #[id = "i3"]
    let _u = text(run, 3, _c, &_t).await?;
    let _a = _u.len() as u32;
    #[id = "i4"]
    let _c = pgflow::map((0.._e % 4).map(|x| (run, 4, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _a = if let Some(n) = half(half(_c).map_or(n, |x| x)) && n > 1 { n } else if n > 9 { n } else { half(_c).map_or(_e, |x| x) };
    #[id = "i5"]
    effect(run, 5, [5u32, _e].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _d = (if 5u32 > _a { 5u32 } else { _a });
    #[id = "i6"]
    effect(run, 6, (format!("{_c:>3}").len() as u32)).await?;
    let _end = n.wrapping_add(_e).wrapping_add(_c).wrapping_add(_a).wrapping_add(_d);
    #[id = "last"]
    inc(run, 7, _end).await
}

#[workflow(id = "random_8")]
pub async fn random_8(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _d = match pgflow::map(0..n % 3, |x| flaky(run, 1, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i2"]
    let _d = inc(run, 2, [n, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _d = (5u32 ^ 7u32);
    #[id = "i3"]
    let _ = effect(run, 3, half(_d).map_or(n, |x| x)).await?;
    #[id = "i4"]
    let _b = mix(run, 4, inner(run, 5, (if n > n { n } else { n })).await?, (match n % 3 { 0 => _d, n if n == 1 => n, _ => n })).await?.wrapping_add(1);
    #[id = "i6"]
    let _a = match pgflow::map(0.._b % 3, |x| flaky(run, 6, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i7"]
    let _a = pgflow::map(vec![({ let n = 5u32; let q = n.wrapping_add(_d); q }), _d], |x| mix(run, 7, x, n)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i8"]
    let _b = flaky(run, 8, _b).await?;
    let _end = n.wrapping_add(_d).wrapping_add(_a).wrapping_add(_b);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_9")]
pub async fn random_9(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _a = inc(run, 1, [n, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i2"]
    let _d = pgflow::map((0.._a % 4).map(|x| (run, 2, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i3"]
    let _d = pgflow::map(vec![_a.wrapping_add(_a), n], |x| mix(run, 3, x, n)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i4"]
    let _c = mix(run, 4, 5u32, (match n % 3 { 0 => _d, n if n == 1 => n, _ => n })).await?;
    #[id = "i5"]
    let _d = pgflow::map((0..n % 4).map(|x| (run, 5, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _b = if let Some(n) = half([_c, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { half(n).map_or(5u32, |x| x) };
    let _c = if let Some(n) = half((format!("{_d:>3}").len() as u32)) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { [5u32, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add) };
    let _d = if let Some(n) = half(half(_b).map_or(_a, |x| x)) && n > 1 { n } else if _b > 9 { _b } else { ({ let n = _a; let q = n.wrapping_add(_d); q }) };
    let _end = n.wrapping_add(_a).wrapping_add(_b).wrapping_add(_c).wrapping_add(_d);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_10")]
pub async fn random_10(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    effect(run, 1, half(n).map_or(n, |x| x)).await?;
    #[id = "i2"]
    let _b = mix(run, 2, 5u32, (match 5u32 % 3 { 0 => 5u32, n if n == 1 => n, _ => 5u32 })).await?;
    let _e = (match 5u32 % 3 { 0 => _b, n if n == 1 => n, _ => 5u32 });
    #[id = "i3"]
    let _d = pgflow::map((0.._b % 4).map(|x| (run, 3, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i4"]
    let _b = pgflow::map((0..n % 4).map(|x| (run, 4, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i5"]
    let _d = pgflow::after(&_e, inc(run, 5, (if _b > 5u32 { _b } else { 5u32 }))).await?;
    let _e = ({ let n = 5u32; let q = n.wrapping_add(5u32); q });
    #[id = "i6"]
    let _a = pgflow::map((0..n % 4).map(|x| (run, 6, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i7"]
    let _c = pgflow::map(vec![_a.wrapping_add(n), _a], |x| mix(run, 7, x, _d)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i8"]
    let _k = kind(run, 8, [_b, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _a = match _k.clone() { Kind::Unit => _b, Kind::One(_a) if _a % 2 == 0 => _a.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _a, ref s } => _a.wrapping_add(s.len() as u32) };
    let _end = n.wrapping_add(_b).wrapping_add(_d).wrapping_add(_e).wrapping_add(_c).wrapping_add(_a);
    Ok(_end)
}

#[workflow(id = "random_11")]
pub async fn random_11(run: u32, n: u32) -> Fallible<u32> {
    let _t = format!("{n:>4}");
    #[id = "i1"]
    let _u = text(run, 1, 5u32, &_t).await?;
    let _d = _u.len() as u32;
    #[id = "i2"]
    let _ = effect(run, 2, [_d, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _e = 5u32.wrapping_add(_d);
    #[id = "i3"]
    let _c = inc(run, 3, (match _d % 3 { 0 => n, n if n == 1 => n, _ => _d })).await?;
    #[id = "i4"]
    let _e = mix(run, 4, _c, ({ let n = 5u32; let q = n.wrapping_add(_e); q })).await?;
    let _d = (match 5u32 % 3 { 0 => _d, n if n == 1 => n, _ => 5u32 });
    let _b = if let Some(n) = half((match _d % 3 { 0 => n, n if n == 1 => n, _ => _d })) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { (format!("{_d:>3}").len() as u32) };
    #[id = "i5"]
    let _d = mix(run, 5, _c, (match _b % 3 { 0 => n, n if n == 1 => n, _ => _b })).await?;
    #[id = "i6"]
    let _c = pgflow::after(&_e, inc(run, 6, _e.wrapping_add(_e))).await?;
    let _end = n.wrapping_add(_e).wrapping_add(_b).wrapping_add(_d).wrapping_add(_c);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_12")]
pub async fn random_12(run: u32, n: u32) -> Fallible<u32> {
    let _c = if let Some(n) = half(({ let n = n; let q = n.wrapping_add(5u32); q })) && n > 1 { n } else if n > 9 { n } else { (match n % 3 { 0 => 5u32, n if n == 1 => n, _ => n }) };
    #[id = "i1"]
    let _ = effect(run, 1, (if _c > _c { _c } else { _c })).await?;
    #[id = "i2"]
    let _k = kind(run, 2, (n ^ 7u32)).await?;
    let _b = match _k.clone() { Kind::Unit => _c, Kind::One(_e) if _e % 2 == 0 => _e.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _e, ref s } => _e.wrapping_add(s.len() as u32) };
    #[id = "i3"]
    let _b = flaky(run, 3, n).await?;
    #[id = "i4"]
    effect(run, 4, half(5u32).map_or(n, |x| x)).await?;
    #[id = "i5"]
    effect(run, 5, half(_c).map_or(n, |x| x)).await?;
    #[id = "i6"]
    let _e = pgflow::after(&_b, inc(run, 6, (_b ^ 7u32))).await?;
    let _end = n.wrapping_add(_c).wrapping_add(_b).wrapping_add(_e);
    Ok(_end)
}

#[workflow(id = "random_13")]
pub async fn random_13(run: u32, n: u32) -> Fallible<u32> {
    let _d = if let Some(n) = half((match 5u32 % 3 { 0 => 5u32, n if n == 1 => n, _ => 5u32 })) && n > 1 { n } else if n > 9 { n } else { (format!("{n:>3}").len() as u32) };
    #[id = "i1"]
    let _r = flaky(run, 1, (match 5u32 % 3 { 0 => n, n if n == 1 => n, _ => 5u32 })).await;
    let _c = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i2"]
    let _a = mix(run, 2, n, half(_c).map_or(_d, |x| x)).await?;
    #[id = "i3"]
    effect(run, 3, (match 5u32 % 3 { 0 => n, n if n == 1 => n, _ => 5u32 })).await?;
    let _b = [_d, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add);
    #[id = "i4"]
    effect(run, 4, (match _b % 3 { 0 => _d, n if n == 1 => n, _ => _b })).await?;
    let _end = n.wrapping_add(_d).wrapping_add(_c).wrapping_add(_a).wrapping_add(_b);
    #[id = "last"]
    inc(run, 5, _end).await
}

#[workflow(id = "random_14")]
pub async fn random_14(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _r = flaky(run, 1, (format!("{n:>3}").len() as u32)).await;
    let _c = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    let _t = format!("{n:>4}");
    #[id = "i2"]
    let _u = text(run, 2, _c, &_t).await?;
    let _e = _u.len() as u32;
    #[id = "i3"]
    let _ = effect(run, 3, 5u32.wrapping_add(n)).await?;
    let _c = (_e ^ 7u32);
    #[id = "i4"]
    let _d = inc(run, 4, (match 5u32 % 3 { 0 => _c, n if n == 1 => n, _ => 5u32 })).await?;
    #[id = "i5"]
    let _b = match pgflow::map(0.._d % 3, |x| flaky(run, 5, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _end = n.wrapping_add(_e).wrapping_add(_c).wrapping_add(_d).wrapping_add(_b);
    #[id = "last"]
    inc(run, 6, _end).await
}

#[workflow(id = "random_15")]
pub async fn random_15(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _a = match pgflow::map(0..5u32 % 3, |x| flaky(run, 1, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i2"]
    let _c = mix(run, 2, inner(run, 3, half(_a).map_or(_a, |x| x)).await?, half(n).map_or(_a, |x| x)).await?.wrapping_add(1);
    #[id = "i4"]
    let _r = flaky(run, 4, (n ^ 7u32)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    let _r = flaky(run, 5, half(n).map_or(_d, |x| x)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i6"]
    let _ = effect(run, 6, (_d ^ 7u32)).await?;
    #[id = "i7"]
    let _c = flaky(run, 7, 5u32).await?;
    #[id = "i8"]
    let _ = effect(run, 8, (n ^ 7u32)).await?;
    #[id = "i9"]
    let _b = if inc(run, 9, half(_a).map_or(_d, |x| x)).await? % 2 == 0 { _c } else { n };
    #[id = "i10"]
    effect(run, 10, (format!("{_b:>3}").len() as u32)).await?;
    #[id = "i11"]
    let _ = effect(run, 11, half(_a).map_or(_d, |x| x)).await?;
    #[id = "i12"]
    let _e = inc(run, 12, half(_a).map_or(_a, |x| x)).await?;
    #[id = "i13"]
    let _a = if inc(run, 13, _c.wrapping_add(_b)).await? % 2 == 0 { _e } else { 5u32 };
    #[id = "i14"]
    let _b = match pgflow::map(0.._b % 3, |x| flaky(run, 14, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _end = n.wrapping_add(_d).wrapping_add(_c).wrapping_add(_e).wrapping_add(_a).wrapping_add(_b);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_16")]
pub async fn random_16(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _e = flaky(run, 1, n).await?;
    #[id = "i2"]
    let _k = kind(run, 2, half(n).map_or(n, |x| x)).await?;
    let _a = match _k.clone() { Kind::Unit => _e, Kind::One(_e) if _e % 2 == 0 => _e.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _e, ref s } => _e.wrapping_add(s.len() as u32) };
    let _t = format!("{_e:>4}");
    #[id = "i3"]
    let _u = text(run, 3, 5u32, &_t).await?;
    let _c = _u.len() as u32;
    #[id = "i4"]
    let _b = mix(run, 4, inner(run, 5, (if _c > n { _c } else { n })).await?, ({ let n = 5u32; let q = n.wrapping_add(_a); q })).await?.wrapping_add(1);
    #[id = "i6"]
    effect(run, 6, half(_c).map_or(_b, |x| x)).await?;
    #[id = "i7"]
    let _r = flaky(run, 7, 5u32.wrapping_add(_b)).await;
    let _b = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i8"]
    let _a = match pgflow::map(0.._e % 3, |x| flaky(run, 8, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i9"]
    let _c = if inc(run, 9, (if 5u32 > _b { 5u32 } else { _b })).await? % 2 == 0 { _b } else { 5u32 };
    #[id = "i10"]
    let _ = effect(run, 10, _a.wrapping_add(_a)).await?;
    let _t = format!("{_b:>4}");
    #[id = "i11"]
    let _u = text(run, 11, _c, &_t).await?;
    let _c = _u.len() as u32;
    let _t = format!("{_c:>4}");
    #[id = "i12"]
    let _u = text(run, 12, _e, &_t).await?;
    let _b = _u.len() as u32;
    #[id = "i13"]
    let _b = mix(run, 13, _c, (format!("{_c:>3}").len() as u32)).await?;
    let _end = n.wrapping_add(_e).wrapping_add(_a).wrapping_add(_c).wrapping_add(_b);
    Ok(_end)
}

#[workflow(id = "random_17")]
pub async fn random_17(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _ = effect(run, 1, [n, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i2"]
    let _b = pgflow::map((0..5u32 % 4).map(|x| (run, 2, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i3"]
    let _a = flaky(run, 3, _b).await?;
    #[id = "i4"]
    let _d = mix(run, 4, 5u32, half(5u32).map_or(_a, |x| x)).await?;
    #[id = "i5"]
    let _a = pgflow::after(&_d, inc(run, 5, (match _b % 3 { 0 => 5u32, n if n == 1 => n, _ => _b }))).await?;
    #[id = "i6"]
    let _c = inc(run, 6, _a.wrapping_add(_a)).await?;
    #[id = "i7"]
    let _a = inc(run, 7, (format!("{_c:>3}").len() as u32)).await?;
    let _end = n.wrapping_add(_b).wrapping_add(_d).wrapping_add(_c).wrapping_add(_a);
    Ok(_end)
}

#[workflow(id = "random_18")]
pub async fn random_18(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _ = effect(run, 1, (5u32 ^ 7u32)).await?;
    #[id = "i2"]
    let _c = match pgflow::map(0..5u32 % 3, |x| flaky(run, 2, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i3"]
    let _a = mix(run, 3, inner(run, 4, 5u32.wrapping_add(n)).await?, n.wrapping_add(_c)).await?.wrapping_add(1);
    #[id = "i5"]
    let _k = kind(run, 5, (format!("{_c:>3}").len() as u32)).await?;
    let _d = match _k.clone() { Kind::Unit => n, Kind::One(_c) if _c % 2 == 0 => _c.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _c, ref s } => _c.wrapping_add(s.len() as u32) };
    let _d = half(_d).map_or(_c, |x| x);
    #[id = "i6"]
    effect(run, 6, _c.wrapping_add(_c)).await?;
    let _c = _a.wrapping_add(_c);
    #[id = "i7"]
    let _ = effect(run, 7, (if _a > n { _a } else { n })).await?;
    #[id = "i8"]
    let _k = kind(run, 8, (format!("{_d:>3}").len() as u32)).await?;
    let _a = match _k.clone() { Kind::Unit => 5u32, Kind::One(_d) if _d % 2 == 0 => _d.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _d, ref s } => _d.wrapping_add(s.len() as u32) };
    #[id = "i9"]
    let _c = match pgflow::map(0..n % 3, |x| flaky(run, 9, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _end = n.wrapping_add(_d).wrapping_add(_a).wrapping_add(_c);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_19")]
pub async fn random_19(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _k = kind(run, 1, ({ let n = n; let q = n.wrapping_add(n); q })).await?;
    let _e = match _k.clone() { Kind::Unit => 5u32, Kind::One(_e) if _e % 2 == 0 => _e.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _e, ref s } => _e.wrapping_add(s.len() as u32) };
    #[id = "i2"]
    let _b = flaky(run, 2, 5u32).await?;
    let _a = (if _b > 5u32 { _b } else { 5u32 });
    #[id = "i3"]
    let _ = effect(run, 3, (format!("{n:>3}").len() as u32)).await?;
    #[id = "i4"]
    let _e = match pgflow::map(0.._e % 3, |x| flaky(run, 4, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _t = format!("{n:>4}");
    #[id = "i5"]
    let _u = text(run, 5, 5u32, &_t).await?;
    let _e = _u.len() as u32;
    #[id = "i6"]
    let _b = pgflow::map(vec![(_e ^ 7u32), _e], |x| mix(run, 6, x, _a)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    let _end = n.wrapping_add(_a).wrapping_add(_e).wrapping_add(_b);
    #[id = "last"]
    inc(run, 7, _end).await
}

#[workflow(id = "random_20")]
pub async fn random_20(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _k = kind(run, 1, (n ^ 7u32)).await?;
    let _b = match _k.clone() { Kind::Unit => n, Kind::One(_c) if _c % 2 == 0 => _c.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _c, ref s } => _c.wrapping_add(s.len() as u32) };
    #[id = "i2"]
    let _b = mix(run, 2, 5u32, ({ let n = _b; let q = n.wrapping_add(n); q })).await?;
    #[id = "i3"]
    let _a = mix(run, 3, inner(run, 4, ({ let n = n; let q = n.wrapping_add(n); q })).await?, (format!("{n:>3}").len() as u32)).await?.wrapping_add(1);
    #[id = "i5"]
    let _c = if inc(run, 5, [_b, _a].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await? % 2 == 0 { n } else { _a };
    #[id = "i6"]
    let _r = flaky(run, 6, [_c, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await;
    let _b = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i7"]
    let _a = pgflow::map((0.._b % 4).map(|x| (run, 7, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _t = format!("{_a:>4}");
    #[id = "i8"]
    let _u = text(run, 8, n, &_t).await?;
    let _a = _u.len() as u32;
    #[id = "i9"]
    let _k = kind(run, 9, _a.wrapping_add(_c)).await?;
    let _d = match _k.clone() { Kind::Unit => _b, Kind::One(_d) if _d % 2 == 0 => _d.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _d, ref s } => _d.wrapping_add(s.len() as u32) };
    #[id = "i10"]
    let _c = pgflow::map((0.._c % 4).map(|x| (run, 10, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i11"]
    let _e = inc(run, 11, [5u32, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i12"]
    let _c = pgflow::map(vec![({ let n = n; let q = n.wrapping_add(_e); q }), n], |x| mix(run, 12, x, _c)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    let _t = format!("{_b:>4}");
    #[id = "i13"]
    let _u = text(run, 13, _e, &_t).await?;
    let _e = _u.len() as u32;
    let _end = [_e, _e].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add).wrapping_add(_b).wrapping_add(_a).wrapping_add(_d).wrapping_add(_c).wrapping_add(_e);
    #[id = "last"]
    inc(run, 14, _end).await
}

#[workflow(id = "random_21")]
pub async fn random_21(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    effect(run, 1, 5u32.wrapping_add(n)).await?;
    #[id = "i2"]
    let _k = kind(run, 2, (if 5u32 > 5u32 { 5u32 } else { 5u32 })).await?;
    let _d = match _k.clone() { Kind::Unit => n, Kind::One(_b) if _b % 2 == 0 => _b.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _b, ref s } => _b.wrapping_add(s.len() as u32) };
    let _b = (format!("{_d:>3}").len() as u32);
    #[id = "i3"]
    let _d = inc(run, 3, (_b ^ 7u32)).await?;
    #[id = "i4"]
    let _ = effect(run, 4, 5u32.wrapping_add(n)).await?;
    #[id = "i5"]
    effect(run, 5, ({ let n = _d; let q = n.wrapping_add(_b); q })).await?;
    #[id = "i6"]
    let _k = kind(run, 6, half(_d).map_or(n, |x| x)).await?;
    let _c = match _k.clone() { Kind::Unit => _b, Kind::One(_c) if _c % 2 == 0 => _c.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _c, ref s } => _c.wrapping_add(s.len() as u32) };
    let _end = n.wrapping_add(_b).wrapping_add(_d).wrapping_add(_c);
    #[id = "last"]
    inc(run, 7, _end).await
}

#[workflow(id = "random_22")]
pub async fn random_22(run: u32, n: u32) -> Fallible<u32> {
    let _e = if let Some(n) = half(({ let n = n; let q = n.wrapping_add(n); q })) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { (n ^ 7u32) };
    #[id = "i1"]
    let _b = flaky(run, 1, n).await?;
    #[id = "i2"]
    let _ = effect(run, 2, (format!("{n:>3}").len() as u32)).await?;
    #[id = "i3"]
    let _e = pgflow::map((0.._b % 4).map(|x| (run, 3, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i4"]
    let _c = mix(run, 4, _b, (format!("{_b:>3}").len() as u32)).await?;
    #[id = "i5"]
    let _b = mix(run, 5, inner(run, 6, ({ let n = _c; let q = n.wrapping_add(_b); q })).await?, (match 5u32 % 3 { 0 => _b, n if n == 1 => n, _ => 5u32 })).await?.wrapping_add(1);
    #[id = "i7"]
    let _a = mix(run, 7, n, (match 5u32 % 3 { 0 => _b, n if n == 1 => n, _ => 5u32 })).await?;
    #[id = "i8"]
    let _d = pgflow::map((0.._e % 4).map(|x| (run, 8, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i9"]
    let _d = mix(run, 9, _e, (match _c % 3 { 0 => _a, n if n == 1 => n, _ => _c })).await?;
    let _end = n.wrapping_add(_e).wrapping_add(_c).wrapping_add(_b).wrapping_add(_a).wrapping_add(_d);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_23")]
pub async fn random_23(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _a = pgflow::after(&n, inc(run, 1, ({ let n = 5u32; let q = n.wrapping_add(5u32); q }))).await?;
    #[id = "i2"]
    let _b = match pgflow::map(0.._a % 3, |x| flaky(run, 2, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i3"]
    let _ = effect(run, 3, [n, _b].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i4"]
    let _a = pgflow::after(&_a, inc(run, 4, (format!("{_b:>3}").len() as u32))).await?;
    #[id = "i5"]
    let _e = pgflow::map(vec![[_a, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add), 5u32], |x| mix(run, 5, x, 5u32)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i6"]
    let _d = pgflow::after(&_b, inc(run, 6, (_b ^ 7u32))).await?;
    let _end = n.wrapping_add(_b).wrapping_add(_a).wrapping_add(_e).wrapping_add(_d);
    Ok(_end)
}

#[workflow(id = "random_24")]
pub async fn random_24(run: u32, n: u32) -> Fallible<u32> {
    let _t = format!("{n:>4}");
    #[id = "i1"]
    let _u = text(run, 1, 5u32, &_t).await?;
    let _c = _u.len() as u32;
    #[id = "i2"]
    let _ = effect(run, 2, (if n > _c { n } else { _c })).await?;
    #[id = "i3"]
    let _e = pgflow::map(vec![5u32.wrapping_add(n), _c], |x| mix(run, 3, x, 5u32)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i4"]
    let _e = match pgflow::map(0.._c % 3, |x| flaky(run, 4, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    let _a = pgflow::map(vec![5u32.wrapping_add(_e), n], |x| mix(run, 5, x, n)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    let _c = if let Some(n) = half((if 5u32 > _a { 5u32 } else { _a })) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { [_e, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add) };
    let _c = (match _e % 3 { 0 => n, n if n == 1 => n, _ => _e });
    let _end = (_c ^ 7u32).wrapping_add(_e).wrapping_add(_a).wrapping_add(_c);
    #[id = "last"]
    inc(run, 6, _end).await
}

/// Calls a macro with all programs; each with the places of its effects.
macro_rules! each_program {
    ($check:ident) => {
        $check! {
            random_0 [];
            random_1 [1];
            random_2 [2, 3];
            random_3 [2, 5];
            random_4 [2, 3, 5];
            random_5 [4, 5];
            random_6 [1];
            random_7 [5, 6];
            random_8 [3];
            random_9 [];
            random_10 [1];
            random_11 [2];
            random_12 [1, 4, 5];
            random_13 [3, 4];
            random_14 [3];
            random_15 [6, 8, 10, 11];
            random_16 [6, 10];
            random_17 [1];
            random_18 [1, 6, 7];
            random_19 [3];
            random_20 [];
            random_21 [1, 4, 5];
            random_22 [2];
            random_23 [3];
            random_24 [2];
        }
    };
}
pub(crate) use each_program;
