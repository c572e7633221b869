//! Written by `generator.rs`: do not edit.
#![allow(warnings, clippy::all, clippy::pedantic, reason = "nobody reads them")]

use pgflow::workflow;

use super::program_steps::*;

#[workflow(id = "random_0")]
pub async fn random_0(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _ = effect(run, 1, (format!("{n:>3}").len() as u32)).await?;
    #[id = "i2"]
    let _e = mix(run, 2, n, (n ^ 7u32)).await?;
    #[id = "i3"]
    let _b = flaky(run, 3, 5u32).await?;
    #[id = "i4"]
    let _c = mix(run, 4, inner(run, 5, (match n % 3 { 0 => _b, n if n == 1 => n, _ => n })).await?, half(5u32).map_or(_e, |x| x)).await?.wrapping_add(1);
    #[id = "i8"]
    let _r = flaky(run, 8, ({ let n = n; let q = n.wrapping_add(_c); q })).await;
    let _d = match _r {
    Ok(n) => {
    #[id = "i7"]
    let _e = match pgflow::map(0.._c % 3, |x| flaky(run, 7, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    (format!("{_e:>3}").len() as u32)
    }
    Err(e) => {
    #[id = "i6"]
    let _told = text(run, 6, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add([_e, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add))
    }
    };
    #[id = "i9"]
    effect(run, 9, (if 5u32 > 5u32 { 5u32 } else { 5u32 })).await?;
    #[id = "i10"]
    let _a = pgflow::map((0.._e % 4).map(|x| (run, 10, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i11"]
    let _ = effect(run, 11, _b.wrapping_add(n)).await?;
    #[id = "i12"]
    let _k = kind(run, 12, [_c, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _d = match _k.clone() { Kind::Unit => _a, Kind::One(_b) if _b % 2 == 0 => _b.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _b, ref s } => _b.wrapping_add(s.len() as u32) };
    #[id = "i14"]
    let _r = flaky(run, 14, (_a ^ 7u32)).await;
    let _b = match _r {
    Ok(n) => {
    (if _a > 5u32 { _a } else { 5u32 })
    }
    Err(e) => {
    #[id = "i13"]
    let _told = text(run, 13, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add((if _a > _e { _a } else { _e }))
    }
    };
    let _end = n.wrapping_add(_e).wrapping_add(_c).wrapping_add(_a).wrapping_add(_d).wrapping_add(_b);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "last"]
    inc(run, 15, _end).await
    }
    #[id = "least"]
    None => flaky(run, 16, _end).await,
    }
}

#[workflow(id = "random_1")]
pub async fn random_1(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _d = pgflow::map((0..5u32 % 4).map(|x| (run, 1, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i2"]
    let _e = pgflow::map((0..5u32 % 4).map(|x| (run, 2, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i3"]
    let _e = match pgflow::map(0.._e % 5, |x| flaky(run, 3, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i4"]
    let _b = match pgflow::map(0..5u32 % 5, |x| flaky(run, 4, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    let _ = effect(run, 5, (format!("{_e:>3}").len() as u32)).await?;
    let _e = pgflow::signal::<u32>("given").within("1h").await?;
    #[id = "i6"]
    let _c = pgflow::map(vec![(if _d > n { _d } else { n }), 5u32], |x| mix(run, 6, x, 5u32)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    let _b = if (match _b % 3 { 0 => _e, n if n == 1 => n, _ => _b }) > n {
    #[id = "i7"]
    inc(run, 7, (if _d > _c { _d } else { _c })).await?
    } else {
    #[id = "i8"]
    let _c = pgflow::map(vec![[5u32, _e].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add), _c], |x| mix(run, 8, x, n)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i9"]
    inc(run, 9, [5u32, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?
    };
    let _end = half(n).map_or(_e, |x| x).wrapping_add(_d).wrapping_add(_e).wrapping_add(_c).wrapping_add(_b);
    #[id = "last"]
    inc(run, 10, _end).await
}

#[workflow(id = "random_2")]
pub async fn random_2(run: u32, n: u32) -> Fallible<u32> {
    let _c = [n, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add);
    let _b = pgflow::signal::<u32>("given").within("1h").await?;
    #[id = "i1"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    #[id = "i2"]
    let _r = flaky(run, 2, [_b, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    let _a = if let Some(_d) = half(5u32.wrapping_add(_c)) && _d > 1 {
    #[id = "i3"]
    inc(run, 3, half(_b).map_or(_b, |x| x)).await?
    } else if _d > 9 {
    #[id = "i4"]
    let _r = flaky(run, 4, ({ let n = n; let q = n.wrapping_add(5u32); q })).await;
    let _b = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    _b.wrapping_add(_b)
    } else {
    [n, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)
    };
    let _c = if (match 5u32 % 3 { 0 => _d, n if n == 1 => n, _ => 5u32 }) > _d {
    ({ let n = _c; let q = n.wrapping_add(_b); q })
    } else {
    #[id = "i5"]
    inc(run, 5, (_d ^ 7u32)).await?
    };
    #[id = "i6"]
    let _d = match pgflow::child(doubled(run, 6, (if _c > n { _c } else { n }))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    let _end = n.wrapping_add(_b).wrapping_add(_a).wrapping_add(_c).wrapping_add(_d);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_3")]
pub async fn random_3(run: u32, n: u32) -> Fallible<u32> {
    let _e = if let Some(n) = half(half(n).map_or(5u32, |x| x)) && n > 1 { n } else if n > 9 { n } else { ({ let n = n; let q = n.wrapping_add(n); q }) };
    #[id = "i3"]
    let _r = flaky(run, 3, (if n > n { n } else { n })).await;
    let _a = match _r {
    Ok(n) => {
    if ({ let n = 5u32; let q = n.wrapping_add(5u32); q }) % 3 > _e % 2 {
    #[id = "i2"]
    effect(run, 2, n).await?;
    }
    (match 5u32 % 3 { 0 => n, n if n == 1 => n, _ => 5u32 })
    }
    Err(e) => {
    #[id = "i1"]
    let _told = text(run, 1, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add(5u32.wrapping_add(5u32))
    }
    };
    let _e = pgflow::signal::<u32>("given").within("1h").await?;
    #[id = "i4"]
    let _d = pgflow::map((0..5u32 % 4).map(|x| (run, 4, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i5"]
    let _c = flaky(run, 5, 5u32).await?;
    #[id = "i6"]
    let _a = pgflow::after(&n, inc(run, 6, (if n > _d { n } else { _d }))).await?;
    #[id = "i7"]
    let _b = pgflow::after(&_c, inc(run, 7, (n ^ 7u32))).await?;
    let _end = n.wrapping_add(_e).wrapping_add(_d).wrapping_add(_c).wrapping_add(_a).wrapping_add(_b);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "i10"]
    let _b = if inc(run, 10, (match 5u32 % 3 { 0 => _d, n if n == 1 => n, _ => 5u32 })).await? % 2 == 0 { _e } else { _c };
    #[id = "i11"]
    let _d = inc(run, 11, (format!("{_e:>3}").len() as u32)).await?;
    #[id = "last"]
    inc(run, 8, _end).await
    }
    #[id = "least"]
    None => flaky(run, 9, _end).await,
    }
}

#[workflow(id = "random_4")]
pub async fn random_4(run: u32, n: u32) -> Fallible<u32> {
    if (n ^ 7u32) % 3 > 5u32 % 2 {
    #[id = "i2"]
    let _k = kind(run, 2, (5u32 ^ 7u32)).await?;
    let _a = match _k.clone() {
    #[id = "i6"]
    Kind::Unit => inc(run, 6, n).await?,
    Kind::One(_a) if _a % 2 == 0 => {
    #[id = "i3"]
    let _e = mix(run, 3, inner(run, 4, (format!("{_a:>3}").len() as u32)).await?, _a.wrapping_add(_a)).await?.wrapping_add(1);
    #[id = "i5"]
    inc(run, 5, ({ let n = 5u32; let q = n.wrapping_add(_e); q })).await?
    }
    Kind::One(n) => {
    (format!("{n:>3}").len() as u32)
    }
    Kind::Named { m: _a, ref s } if s.len() > 1 => {
    let _e = pgflow::signal::<u32>("given").await?;
    (n ^ 7u32)
    }
    Kind::Named { s, .. } => s.len() as u32,
    };
    #[id = "i7"]
    effect(run, 7, (format!("{_a:>3}").len() as u32)).await?;
    #[id = "i1"]
    effect(run, 1, 5u32).await?;
    }
    let _e = if let Some(n) = half((match n % 3 { 0 => n, n if n == 1 => n, _ => n })) && n > 1 { n } else if n > 9 { n } else { ({ let n = 5u32; let q = n.wrapping_add(5u32); q }) };
    #[id = "i8"]
    let _k = kind(run, 8, ({ let n = n; let q = n.wrapping_add(5u32); q })).await?;
    let _b = match _k.clone() { Kind::Unit => n, Kind::One(_c) if _c % 2 == 0 => _c.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _c, ref s } => _c.wrapping_add(s.len() as u32) };
    #[id = "i9"]
    effect(run, 9, ({ let n = 5u32; let q = n.wrapping_add(n); q })).await?;
    #[id = "i10"]
    let _d = mix(run, 10, _b, (match 5u32 % 3 { 0 => _e, n if n == 1 => n, _ => 5u32 })).await?;
    #[id = "i11"]
    let _b = match pgflow::child(doubled(run, 11, (if n > 5u32 { n } else { 5u32 }))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i12"]
    let _e = if inc(run, 12, (if _d > 5u32 { _d } else { 5u32 })).await? % 2 == 0 { 5u32 } else { _e };
    #[id = "i13"]
    let _e = match pgflow::child(doubled(run, 13, (_d ^ 7u32))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i14"]
    let _c = flaky(run, 14, _e).await?;
    let _end = n.wrapping_add(_d).wrapping_add(_b).wrapping_add(_e).wrapping_add(_c);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_5")]
pub async fn random_5(run: u32, n: u32) -> Fallible<u32> {
    let _d = n.wrapping_add(if 5u32.wrapping_add(5u32) > n {
    #[id = "i1"]
    let _d = match pgflow::map(0..5u32 % 3, |x| flaky(run, 1, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    [n, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)
    } else { n });
    #[id = "i2"]
    let _a = pgflow::map((0..n % 4).map(|x| (run, 2, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    if n.wrapping_add(_a) % 3 > _d % 2 {
    #[id = "i4"]
    effect(run, 4, half(_a).map_or(n, |x| x)).await?;
    #[id = "i3"]
    effect(run, 3, _d).await?;
    } else {
    #[id = "i5"]
    let _c = pgflow::map((0.._a % 4).map(|x| (run, 5, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _a = pgflow::signal::<u32>("given").await?;
    
    }
    #[id = "i6"]
    let _ = effect(run, 6, [_d, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i7"]
    let _e = pgflow::map((0.._d % 4).map(|x| (run, 7, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i8"]
    effect(run, 8, (format!("{_e:>3}").len() as u32)).await?;
    let _t = format!("{n:>4}");
    #[id = "i9"]
    let _u = text(run, 9, _e, &_t).await?;
    let _e = _u.len() as u32;
    #[id = "i10"]
    let _e = flaky(run, 10, n).await?;
    #[id = "i11"]
    let _r = flaky(run, 11, [_a, _e].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i12"]
    let _b = match pgflow::map(0.._e % 3, |x| flaky(run, 12, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _end = n.wrapping_add(_a).wrapping_add(_e).wrapping_add(_d).wrapping_add(_b);
    #[id = "last"]
    inc(run, 13, _end).await
}

#[workflow(id = "random_6")]
pub async fn random_6(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    effect(run, 1, (format!("{n:>3}").len() as u32)).await?;
    #[id = "i2"]
    let _b = mix(run, 2, inner(run, 3, (n ^ 7u32)).await?, [n, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?.wrapping_add(1);
    #[id = "i4"]
    let _c = pgflow::after(&_b, inc(run, 4, (_b ^ 7u32))).await?;
    #[id = "i5"]
    let _b = match pgflow::child(doubled(run, 5, half(5u32).map_or(_c, |x| x))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    let _c = if let Some(n) = half((format!("{_c:>3}").len() as u32)) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { (format!("{n:>3}").len() as u32) };
    #[id = "i6"]
    let _e = match pgflow::child(doubled(run, 6, [n, _b].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i7"]
    let _a = pgflow::map((0..n % 4).map(|x| (run, 7, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    if (format!("{_b:>3}").len() as u32) % 3 > _b % 2 {
    let _c = if let Some(_d) = half(5u32.wrapping_add(_b)) && _d > 1 {
    #[id = "i9"]
    let _e = match pgflow::map(0.._d % 5, |x| flaky(run, 9, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    [_d, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)
    } else if _c > 9 {
    #[id = "i10"]
    let _ = effect(run, 10, _a.wrapping_add(_e)).await?;
    (if _c > _e { _c } else { _e })
    } else {
    let _b = pgflow::signal::<u32>("given").await?;
    #[id = "i11"]
    let _c = if inc(run, 11, half(_b).map_or(5u32, |x| x)).await? % 2 == 0 { _c } else { 5u32 };
    half(_b).map_or(_e, |x| x)
    };
    #[id = "i8"]
    effect(run, 8, _a).await?;
    }
    #[id = "i14"]
    let _r = flaky(run, 14, (_e ^ 7u32)).await;
    let _e = match _r {
    Ok(n) => {
    #[id = "i13"]
    inc(run, 13, (n ^ 7u32)).await?
    }
    Err(e) => {
    #[id = "i12"]
    let _told = text(run, 12, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add(half(_c).map_or(_c, |x| x))
    }
    };
    #[id = "i15"]
    let _a = flaky(run, 15, _b).await?;
    let _end = n.wrapping_add(_b).wrapping_add(_c).wrapping_add(_e).wrapping_add(_a);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "i18"]
    let _a = if inc(run, 18, (format!("{_a:>3}").len() as u32)).await? % 2 == 0 { _b } else { n };
    #[id = "i19"]
    let _k = kind(run, 19, half(_c).map_or(n, |x| x)).await?;
    let _c = match _k.clone() { Kind::Unit => _b, Kind::One(_e) if _e % 2 == 0 => _e.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _e, ref s } => _e.wrapping_add(s.len() as u32) };
    #[id = "last"]
    inc(run, 16, _end).await
    }
    #[id = "least"]
    None => flaky(run, 17, _end).await,
    }
}

#[workflow(id = "random_7")]
pub async fn random_7(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _e = match pgflow::map(0..5u32 % 3, |x| flaky(run, 1, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i2"]
    let _c = inc(run, 2, (if 5u32 > 5u32 { 5u32 } else { 5u32 })).await?;
    #[id = "i3"]
    let _d = match pgflow::child(doubled(run, 3, n.wrapping_add(n))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i4"]
    let _c = match pgflow::map(0.._c % 3, |x| flaky(run, 4, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    let _r = flaky(run, 5, [n, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i6"]
    let _k = kind(run, 6, [_d, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _e = match _k.clone() { Kind::Unit => _c, Kind::One(_b) if _b % 2 == 0 => _b.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _b, ref s } => _b.wrapping_add(s.len() as u32) };
    #[id = "i7"]
    let _k = kind(run, 7, [5u32, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _c = match _k.clone() { Kind::Unit => 5u32, Kind::One(_a) if _a % 2 == 0 => _a.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _a, ref s } => _a.wrapping_add(s.len() as u32) };
    let _b = (format!("{n:>3}").len() as u32);
    #[id = "i8"]
    effect(run, 8, half(_e).map_or(_c, |x| x)).await?;
    let _end = n.wrapping_add(_d).wrapping_add(_e).wrapping_add(_c).wrapping_add(_b);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "i11"]
    let _c = match pgflow::map(0.._e % 3, |x| flaky(run, 11, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "last"]
    inc(run, 9, _end).await
    }
    #[id = "least"]
    None => flaky(run, 10, _end).await,
    }
}

#[workflow(id = "random_8")]
pub async fn random_8(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _b = match pgflow::map(0..5u32 % 5, |x| flaky(run, 1, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i2"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    #[id = "i3"]
    let _e = mix(run, 3, _b, (match _b % 3 { 0 => 5u32, n if n == 1 => n, _ => _b })).await?;
    #[id = "i4"]
    let _b = pgflow::child(doubled(run, 4, ({ let n = _e; let q = n.wrapping_add(5u32); q }))).await?;
    #[id = "i5"]
    let _a = flaky(run, 5, 5u32).await?;
    #[id = "i6"]
    let _c = pgflow::map(vec![_b.wrapping_add(_b), _b], |x| mix(run, 6, x, _a)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i7"]
    let _b = match pgflow::map(0.._e % 3, |x| flaky(run, 7, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i8"]
    let _e = pgflow::after(&_c, inc(run, 8, (format!("{_a:>3}").len() as u32))).await?;
    let _end = n.wrapping_add(_a).wrapping_add(_c).wrapping_add(_b).wrapping_add(_e);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_9")]
pub async fn random_9(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _d = pgflow::map(vec![(format!("{n:>3}").len() as u32), n], |x| mix(run, 1, x, 5u32)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i2"]
    let _a = match pgflow::map(0..n % 5, |x| flaky(run, 2, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i3"]
    let _a = mix(run, 3, n, half(n).map_or(_d, |x| x)).await?;
    let _d = if let Some(n) = half((format!("{_d:>3}").len() as u32)) && n > 1 { n } else if _d > 9 { _d } else { [_a, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add) };
    #[id = "i4"]
    let _r = flaky(run, 4, [5u32, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await;
    let _a = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    let _b = match pgflow::map(0.._a % 3, |x| flaky(run, 5, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i6"]
    let _c = flaky(run, 6, _b).await?;
    let _end = n.wrapping_add(_d).wrapping_add(_a).wrapping_add(_b).wrapping_add(_c);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_10")]
pub async fn random_10(run: u32, n: u32) -> Fallible<u32> {
    let _b = pgflow::signal::<u32>("given").within("1h").await?;
    #[id = "i1"]
    let _b = pgflow::child(doubled(run, 1, (format!("{n:>3}").len() as u32))).await?;
    #[id = "i2"]
    let _b = flaky(run, 2, n).await?;
    #[id = "i3"]
    let _a = match pgflow::child(doubled(run, 3, ({ let n = n; let q = n.wrapping_add(n); q }))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    let _a = (match n % 3 { 0 => n, n if n == 1 => n, _ => n });
    let _d = 5u32.wrapping_add(if [_a, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add) > 5u32 {
    let _a = if let Some(_d) = half((if 5u32 > _a { 5u32 } else { _a })) && _d > 1 {
    #[id = "i4"]
    let _c = if inc(run, 4, (if n > _d { n } else { _d })).await? % 2 == 0 { _b } else { _b };
    #[id = "i5"]
    inc(run, 5, half(_c).map_or(n, |x| x)).await?
    } else if 5u32 > 9 {
    (match _b % 3 { 0 => n, n if n == 1 => n, _ => _b })
    } else {
    (if n > _b { n } else { _b })
    };
    (if _b > 5u32 { _b } else { 5u32 })
    } else { 5u32 });
    let _end = half(_b).map_or(_d, |x| x).wrapping_add(_b).wrapping_add(_a).wrapping_add(_d);
    #[id = "last"]
    inc(run, 6, _end).await
}

#[workflow(id = "random_11")]
pub async fn random_11(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _e = mix(run, 1, inner(run, 2, half(n).map_or(5u32, |x| x)).await?, ({ let n = 5u32; let q = n.wrapping_add(5u32); q })).await?.wrapping_add(1);
    #[id = "i3"]
    let _ = effect(run, 3, half(n).map_or(_e, |x| x)).await?;
    #[id = "i4"]
    let _a = mix(run, 4, _e, (_e ^ 7u32)).await?;
    let _e = if let Some(n) = half((match 5u32 % 3 { 0 => _e, n if n == 1 => n, _ => 5u32 })) && n > 1 { n } else if _e > 9 { _e } else { (_e ^ 7u32) };
    #[id = "i5"]
    let _k = kind(run, 5, (format!("{_e:>3}").len() as u32)).await?;
    let _c = match _k.clone() {
    #[id = "i13"]
    Kind::Unit => inc(run, 13, 5u32).await?,
    Kind::One(_b) if _b % 2 == 0 => {
    #[id = "i6"]
    let _b = pgflow::after(&n, inc(run, 6, (match _b % 3 { 0 => _b, n if n == 1 => n, _ => _b }))).await?;
    #[id = "i7"]
    effect(run, 7, (format!("{_b:>3}").len() as u32)).await?;
    half(_b).map_or(5u32, |x| x)
    }
    Kind::One(n) => {
    #[id = "i8"]
    let _d = flaky(run, 8, 5u32).await?;
    #[id = "i9"]
    let _ = effect(run, 9, _e.wrapping_add(5u32)).await?;
    #[id = "i10"]
    inc(run, 10, (match _d % 3 { 0 => _a, n if n == 1 => n, _ => _d })).await?
    }
    Kind::Named { m: _b, ref s } if s.len() > 1 => {
    let _e = _a.wrapping_add(if (if _a > _a { _a } else { _a }) > _a {
    let _d = if let Some(n) = half(_b.wrapping_add(_e)) && n > 1 { n } else if _e > 9 { _e } else { (match 5u32 % 3 { 0 => _b, n if n == 1 => n, _ => 5u32 }) };
    #[id = "i11"]
    inc(run, 11, [_d, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?
    } else { _a });
    #[id = "i12"]
    inc(run, 12, (match _e % 3 { 0 => _e, n if n == 1 => n, _ => _e })).await?
    }
    Kind::Named { s, .. } => s.len() as u32,
    };
    #[id = "i15"]
    let _r = flaky(run, 15, half(5u32).map_or(_a, |x| x)).await;
    let _b = match _r {
    Ok(n) => {
    ({ let n = _c; let q = n.wrapping_add(_c); q })
    }
    Err(e) => {
    #[id = "i14"]
    let _told = text(run, 14, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add(_a.wrapping_add(_a))
    }
    };
    #[id = "i16"]
    let _e = if inc(run, 16, (_a ^ 7u32)).await? % 2 == 0 { _c } else { _b };
    #[id = "i17"]
    let _r = flaky(run, 17, (5u32 ^ 7u32)).await;
    let _c = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i18"]
    let _c = pgflow::map((0.._c % 4).map(|x| (run, 18, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _t = format!("{_b:>4}");
    #[id = "i19"]
    let _u = text(run, 19, _c, &_t).await?;
    let _c = _u.len() as u32;
    let _end = half(_e).map_or(_a, |x| x).wrapping_add(_a).wrapping_add(_b).wrapping_add(_e).wrapping_add(_c);
    #[id = "last"]
    inc(run, 20, _end).await
}

#[workflow(id = "random_12")]
pub async fn random_12(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i7"]
    let _r = flaky(run, 7, half(5u32).map_or(5u32, |x| x)).await;
    let _d = match _r {
    Ok(n) => {
    #[id = "i2"]
    let _c = pgflow::map((0..n % 4).map(|x| (run, 2, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _e = if let Some(_c) = half(({ let n = _c; let q = n.wrapping_add(_c); q })) && _c > 1 {
    #[id = "i3"]
    let _e = flaky(run, 3, n).await?;
    (if _c > n { _c } else { n })
    } else if _c > 9 {
    #[id = "i4"]
    let _ = effect(run, 4, (format!("{_c:>3}").len() as u32)).await?;
    #[id = "i5"]
    inc(run, 5, ({ let n = n; let q = n.wrapping_add(_c); q })).await?
    } else {
    [5u32, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)
    };
    #[id = "i6"]
    inc(run, 6, (match _e % 3 { 0 => _c, n if n == 1 => n, _ => _e })).await?
    }
    Err(e) => {
    #[id = "i1"]
    let _told = text(run, 1, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add(({ let n = n; let q = n.wrapping_add(5u32); q }))
    }
    };
    let _d = if ({ let n = 5u32; let q = n.wrapping_add(n); q }) > 5u32 {
    #[id = "i8"]
    let _a = pgflow::map((0.._d % 4).map(|x| (run, 8, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    (5u32 ^ 7u32)
    } else {
    #[id = "i9"]
    let _a = match pgflow::child(doubled(run, 9, (match 5u32 % 3 { 0 => _d, n if n == 1 => n, _ => 5u32 }))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i10"]
    let _a = match pgflow::map(0..5u32 % 3, |x| flaky(run, 10, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i11"]
    inc(run, 11, ({ let n = n; let q = n.wrapping_add(_a); q })).await?
    };
    #[id = "i12"]
    let _b = match pgflow::map(0..n % 3, |x| flaky(run, 12, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i13"]
    let _b = if inc(run, 13, (_d ^ 7u32)).await? % 2 == 0 { _b } else { _d };
    #[id = "i14"]
    let _k = kind(run, 14, (match n % 3 { 0 => n, n if n == 1 => n, _ => n })).await?;
    let _a = match _k.clone() { Kind::Unit => 5u32, Kind::One(_a) if _a % 2 == 0 => _a.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _a, ref s } => _a.wrapping_add(s.len() as u32) };
    let _d = if let Some(_c) = half((format!("{_a:>3}").len() as u32)) && _c > 1 {
    #[id = "i15"]
    inc(run, 15, (match _d % 3 { 0 => _d, n if n == 1 => n, _ => _d })).await?
    } else if _b > 9 {
    #[id = "i16"]
    effect(run, 16, (_b ^ 7u32)).await?;
    #[id = "i17"]
    inc(run, 17, ({ let n = _d; let q = n.wrapping_add(_a); q })).await?
    } else {
    let _d = if let Some(_c) = half(half(_a).map_or(5u32, |x| x)) && _c > 1 {
    #[id = "i18"]
    let _a = if inc(run, 18, ({ let n = _d; let q = n.wrapping_add(_c); q })).await? % 2 == 0 { _d } else { _a };
    let _b = _d.wrapping_add(5u32);
    #[id = "i19"]
    inc(run, 19, (match n % 3 { 0 => _d, n if n == 1 => n, _ => n })).await?
    } else if _d > 9 {
    #[id = "i20"]
    let _r = flaky(run, 20, (5u32 ^ 7u32)).await;
    let _b = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i21"]
    let _r = flaky(run, 21, (_b ^ 7u32)).await;
    let _e = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    (_a ^ 7u32)
    } else {
    #[id = "i22"]
    let _a = if inc(run, 22, half(_d).map_or(n, |x| x)).await? % 2 == 0 { _a } else { 5u32 };
    #[id = "i23"]
    let _e = if inc(run, 23, (if _d > _a { _d } else { _a })).await? % 2 == 0 { _b } else { _b };
    #[id = "i24"]
    inc(run, 24, (format!("{n:>3}").len() as u32)).await?
    };
    let _t = format!("{_d:>4}");
    #[id = "i25"]
    let _u = text(run, 25, _d, &_t).await?;
    let _c = _u.len() as u32;
    half(5u32).map_or(n, |x| x)
    };
    #[id = "i26"]
    let _a = match pgflow::map(0.._b % 3, |x| flaky(run, 26, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _t = format!("{_b:>4}");
    #[id = "i27"]
    let _u = text(run, 27, n, &_t).await?;
    let _a = _u.len() as u32;
    let _a = _d.wrapping_add(if half(_a).map_or(_a, |x| x) > _d {
    _a.wrapping_add(n)
    } else { _d });
    let _end = n.wrapping_add(_b).wrapping_add(_d).wrapping_add(_a);
    #[id = "last"]
    inc(run, 28, _end).await
}

#[workflow(id = "random_13")]
pub async fn random_13(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _c = inc(run, 1, ({ let n = n; let q = n.wrapping_add(n); q })).await?;
    #[id = "i2"]
    let _b = pgflow::map(vec![5u32.wrapping_add(_c), n], |x| mix(run, 2, x, _c)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i3"]
    let _b = inc(run, 3, (match _b % 3 { 0 => _c, n if n == 1 => n, _ => _b })).await?;
    #[id = "i4"]
    let _c = mix(run, 4, inner(run, 5, (format!("{_b:>3}").len() as u32)).await?, (if _b > _b { _b } else { _b })).await?.wrapping_add(1);
    #[id = "i6"]
    let _e = flaky(run, 6, _c).await?;
    #[id = "i7"]
    let _a = pgflow::map((0.._b % 4).map(|x| (run, 7, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    #[id = "i8"]
    let _d = pgflow::child(doubled(run, 8, (match 5u32 % 3 { 0 => n, n if n == 1 => n, _ => 5u32 }))).await?;
    #[id = "i9"]
    let _b = mix(run, 9, 5u32, _e.wrapping_add(n)).await?;
    #[id = "i10"]
    effect(run, 10, (format!("{_d:>3}").len() as u32)).await?;
    let _b = pgflow::signal::<u32>("given").within("1h").await?;
    let _b = _a.wrapping_add(if (if _b > n { _b } else { n }) > _a {
    #[id = "i11"]
    let _c = pgflow::map((0.._c % 4).map(|x| (run, 11, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _b = if (match _e % 3 { 0 => _a, n if n == 1 => n, _ => _e }) > _a {
    #[id = "i12"]
    let _d = if inc(run, 12, (match _e % 3 { 0 => n, n if n == 1 => n, _ => _e })).await? % 2 == 0 { _b } else { _d };
    #[id = "i13"]
    let _c = match pgflow::map(0.._d % 5, |x| flaky(run, 13, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    half(_b).map_or(_e, |x| x)
    } else {
    #[id = "i14"]
    let _d = pgflow::after(&_a, inc(run, 14, (format!("{_b:>3}").len() as u32))).await?;
    #[id = "i15"]
    let _a = pgflow::map((0.._c % 4).map(|x| (run, 15, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    (format!("{_e:>3}").len() as u32)
    };
    #[id = "i16"]
    inc(run, 16, [_c, _a].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?
    } else { _a });
    let _end = (n ^ 7u32).wrapping_add(_c).wrapping_add(_e).wrapping_add(_a).wrapping_add(_d).wrapping_add(_b);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "last"]
    inc(run, 17, _end).await
    }
    #[id = "least"]
    None => flaky(run, 18, _end).await,
    }
}

#[workflow(id = "random_14")]
pub async fn random_14(run: u32, n: u32) -> Fallible<u32> {
    let _b = if let Some(n) = half((if 5u32 > 5u32 { 5u32 } else { 5u32 })) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { (if n > 5u32 { n } else { 5u32 }) };
    let _t = format!("{_b:>4}");
    #[id = "i1"]
    let _u = text(run, 1, n, &_t).await?;
    let _a = _u.len() as u32;
    #[id = "i5"]
    let _r = flaky(run, 5, (match _a % 3 { 0 => _a, n if n == 1 => n, _ => _a })).await;
    let _b = match _r {
    Ok(n) => {
    #[id = "i3"]
    let _e = match pgflow::map(0..n % 5, |x| flaky(run, 3, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i4"]
    let _r = flaky(run, 4, _b.wrapping_add(n)).await;
    let _b = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    (format!("{_a:>3}").len() as u32)
    }
    Err(e) => {
    #[id = "i2"]
    let _told = text(run, 2, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add([5u32, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add))
    }
    };
    let _e = ({ let n = 5u32; let q = n.wrapping_add(_a); q });
    #[id = "i6"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    let _t = format!("{n:>4}");
    #[id = "i7"]
    let _u = text(run, 7, n, &_t).await?;
    let _a = _u.len() as u32;
    #[id = "i8"]
    let _e = match pgflow::child(doubled(run, 8, (if 5u32 > _b { 5u32 } else { _b }))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i11"]
    let _r = flaky(run, 11, (if _e > _b { _e } else { _b })).await;
    let _d = match _r {
    Ok(n) => {
    #[id = "i10"]
    inc(run, 10, n.wrapping_add(n)).await?
    }
    Err(e) => {
    #[id = "i9"]
    let _told = text(run, 9, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add(half(5u32).map_or(5u32, |x| x))
    }
    };
    let _end = (format!("{_d:>3}").len() as u32).wrapping_add(_b).wrapping_add(_a).wrapping_add(_e).wrapping_add(_d);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_15")]
pub async fn random_15(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _c = inc(run, 1, (n ^ 7u32)).await?;
    #[id = "i2"]
    let _a = match pgflow::map(0..n % 3, |x| flaky(run, 2, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _d = if let Some(n) = half((if _a > _a { _a } else { _a })) && n > 1 { n } else if _c > 9 { _c } else { (format!("{n:>3}").len() as u32) };
    #[id = "i3"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    #[id = "i6"]
    let _r = flaky(run, 6, (match n % 3 { 0 => 5u32, n if n == 1 => n, _ => n })).await;
    let _d = match _r {
    Ok(n) => {
    let _t = format!("{_a:>4}");
    #[id = "i5"]
    let _u = text(run, 5, n, &_t).await?;
    let _b = _u.len() as u32;
    (format!("{_a:>3}").len() as u32)
    }
    Err(e) => {
    #[id = "i4"]
    let _told = text(run, 4, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add((format!("{n:>3}").len() as u32))
    }
    };
    #[id = "i7"]
    let _ = effect(run, 7, half(_c).map_or(_d, |x| x)).await?;
    if n.wrapping_add(_d) % 3 > _c % 2 {
    #[id = "i8"]
    effect(run, 8, _c).await?;
    } else {
    #[id = "i9"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    #[id = "i10"]
    let _ = effect(run, 10, (format!("{_a:>3}").len() as u32)).await?;
    
    }
    let _a = _c.wrapping_add(if ({ let n = _d; let q = n.wrapping_add(5u32); q }) > _c {
    (if 5u32 > _c { 5u32 } else { _c })
    } else { _c });
    #[id = "i11"]
    let _r = flaky(run, 11, (if n > n { n } else { n })).await;
    let _a = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i12"]
    let _c = pgflow::after(&_c, inc(run, 12, half(_d).map_or(_d, |x| x))).await?;
    let _end = n.wrapping_add(_d).wrapping_add(_a).wrapping_add(_c);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "i15"]
    let _b = mix(run, 15, _a, (n ^ 7u32)).await?;
    #[id = "last"]
    inc(run, 13, _end).await
    }
    #[id = "least"]
    None => flaky(run, 14, _end).await,
    }
}

#[workflow(id = "random_16")]
pub async fn random_16(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _a = mix(run, 1, inner(run, 2, (format!("{n:>3}").len() as u32)).await?, (5u32 ^ 7u32)).await?.wrapping_add(1);
    #[id = "i3"]
    let _b = match pgflow::map(0.._a % 3, |x| flaky(run, 3, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _c = if let Some(n) = half((_b ^ 7u32)) && n > 1 { n } else if _b > 9 { _b } else { (match n % 3 { 0 => 5u32, n if n == 1 => n, _ => n }) };
    let _c = if let Some(_e) = half([_c, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)) && _e > 1 {
    #[id = "i4"]
    let _e = inc(run, 4, [_b, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i5"]
    let _b = if inc(run, 5, [_c, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await? % 2 == 0 { _b } else { _c };
    #[id = "i6"]
    inc(run, 6, (format!("{_b:>3}").len() as u32)).await?
    } else if _c > 9 {
    #[id = "i7"]
    let _a = match pgflow::map(0.._c % 3, |x| flaky(run, 7, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i8"]
    let _k = kind(run, 8, (match _a % 3 { 0 => _a, n if n == 1 => n, _ => _a })).await?;
    let _c = match _k.clone() { Kind::Unit => _c, Kind::One(_a) if _a % 2 == 0 => _a.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _a, ref s } => _a.wrapping_add(s.len() as u32) };
    [_b, _a].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)
    } else {
    let _b = if let Some(_a) = half(({ let n = n; let q = n.wrapping_add(_a); q })) && _a > 1 {
    #[id = "i9"]
    let _c = mix(run, 9, _c, (match n % 3 { 0 => _b, n if n == 1 => n, _ => n })).await?;
    #[id = "i10"]
    let _k = kind(run, 10, (5u32 ^ 7u32)).await?;
    let _d = match _k.clone() { Kind::Unit => 5u32, Kind::One(_d) if _d % 2 == 0 => _d.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _d, ref s } => _d.wrapping_add(s.len() as u32) };
    (5u32 ^ 7u32)
    } else if _a > 9 {
    #[id = "i11"]
    let _r = flaky(run, 11, ({ let n = _c; let q = n.wrapping_add(_a); q })).await;
    let _c = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i12"]
    let _b = if inc(run, 12, (match n % 3 { 0 => _a, n if n == 1 => n, _ => n })).await? % 2 == 0 { 5u32 } else { _b };
    (match _c % 3 { 0 => _a, n if n == 1 => n, _ => _c })
    } else {
    #[id = "i13"]
    let _b = mix(run, 13, 5u32, (if _b > _b { _b } else { _b })).await?;
    #[id = "i14"]
    let _ = effect(run, 14, (if n > _b { n } else { _b })).await?;
    (if n > _c { n } else { _c })
    };
    #[id = "i16"]
    let _r = flaky(run, 16, (match 5u32 % 3 { 0 => _c, n if n == 1 => n, _ => 5u32 })).await;
    let _b = match _r {
    Ok(n) => {
    (if _b > n { _b } else { n })
    }
    Err(e) => {
    #[id = "i15"]
    let _told = text(run, 15, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add((format!("{_b:>3}").len() as u32))
    }
    };
    (if _c > _b { _c } else { _b })
    };
    #[id = "i17"]
    let _a = flaky(run, 17, n).await?;
    #[id = "i18"]
    let _d = inc(run, 18, half(n).map_or(5u32, |x| x)).await?;
    let _a = if (if _b > _d { _b } else { _d }) > 5u32 {
    let _d = pgflow::signal::<u32>("given").within("1h").await?;
    let _c = if let Some(_a) = half(_d.wrapping_add(5u32)) && _a > 1 {
    #[id = "i19"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    #[id = "i20"]
    inc(run, 20, (match _d % 3 { 0 => _d, n if n == 1 => n, _ => _d })).await?
    } else if _d > 9 {
    #[id = "i21"]
    let _b = mix(run, 21, 5u32, [_c, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i22"]
    let _b = pgflow::map((0.._c % 4).map(|x| (run, 22, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    (match _d % 3 { 0 => _b, n if n == 1 => n, _ => _d })
    } else {
    #[id = "i23"]
    let _d = match pgflow::map(0..5u32 % 5, |x| flaky(run, 23, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i24"]
    let _d = match pgflow::map(0.._c % 3, |x| flaky(run, 24, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i25"]
    inc(run, 25, half(_c).map_or(_c, |x| x)).await?
    };
    [_b, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)
    } else {
    (_b ^ 7u32)
    };
    #[id = "i26"]
    let _k = kind(run, 26, half(5u32).map_or(n, |x| x)).await?;
    let _d = match _k.clone() { Kind::Unit => 5u32, Kind::One(_b) if _b % 2 == 0 => _b.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _b, ref s } => _b.wrapping_add(s.len() as u32) };
    let _e = if let Some(_d) = half(_a.wrapping_add(_d)) && _d > 1 {
    #[id = "i27"]
    effect(run, 27, half(_c).map_or(_d, |x| x)).await?;
    #[id = "i28"]
    let _a = mix(run, 28, _c, (match n % 3 { 0 => _a, n if n == 1 => n, _ => n })).await?;
    (_c ^ 7u32)
    } else if 5u32 > 9 {
    ({ let n = _d; let q = n.wrapping_add(_a); q })
    } else {
    (format!("{_c:>3}").len() as u32)
    };
    let _b = ({ let n = _d; let q = n.wrapping_add(_c); q });
    let _end = n.wrapping_add(_c).wrapping_add(_a).wrapping_add(_d).wrapping_add(_e).wrapping_add(_b);
    Ok(_end)
}

#[workflow(id = "random_17")]
pub async fn random_17(run: u32, n: u32) -> Fallible<u32> {
    if n.wrapping_add(n) % 3 > n % 2 {
    #[id = "i2"]
    let _d = inc(run, 2, (5u32 ^ 7u32)).await?;
    #[id = "i1"]
    effect(run, 1, 5u32).await?;
    } else {
    
    }
    #[id = "i6"]
    let _r = flaky(run, 6, ({ let n = n; let q = n.wrapping_add(n); q })).await;
    let _e = match _r {
    Ok(n) => {
    #[id = "i4"]
    let _d = mix(run, 4, n, (format!("{n:>3}").len() as u32)).await?;
    let _d = [5u32, _d].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add);
    #[id = "i5"]
    inc(run, 5, ({ let n = 5u32; let q = n.wrapping_add(n); q })).await?
    }
    Err(e) => {
    #[id = "i3"]
    let _told = text(run, 3, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add([5u32, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add))
    }
    };
    #[id = "i7"]
    let _ = effect(run, 7, (_e ^ 7u32)).await?;
    #[id = "i8"]
    let _e = inc(run, 8, 5u32.wrapping_add(_e)).await?;
    #[id = "i9"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    #[id = "i10"]
    let _e = pgflow::map(vec![(match _e % 3 { 0 => _e, n if n == 1 => n, _ => _e }), 5u32], |x| mix(run, 10, x, _e)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i11"]
    let _a = match pgflow::map(0..5u32 % 5, |x| flaky(run, 11, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i12"]
    let _a = mix(run, 12, inner(run, 13, half(5u32).map_or(_a, |x| x)).await?, [5u32, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?.wrapping_add(1);
    let _end = n.wrapping_add(_e).wrapping_add(_a);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "i16"]
    let _ = effect(run, 16, 5u32.wrapping_add(n)).await?;
    #[id = "last"]
    inc(run, 14, _end).await
    }
    #[id = "least"]
    None => flaky(run, 15, _end).await,
    }
}

#[workflow(id = "random_18")]
pub async fn random_18(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _ = effect(run, 1, (if 5u32 > n { 5u32 } else { n })).await?;
    #[id = "i2"]
    let _b = mix(run, 2, inner(run, 3, half(5u32).map_or(5u32, |x| x)).await?, half(5u32).map_or(n, |x| x)).await?.wrapping_add(1);
    #[id = "i4"]
    let _e = match pgflow::map(0..n % 5, |x| flaky(run, 4, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    if ({ let n = n; let q = n.wrapping_add(5u32); q }) % 3 > 5u32 % 2 {
    #[id = "i7"]
    let _c = flaky(run, 7, 5u32).await?;
    #[id = "i6"]
    effect(run, 6, 5u32).await?;
    } else {
    #[id = "i8"]
    let _e = if inc(run, 8, (if _e > 5u32 { _e } else { 5u32 })).await? % 2 == 0 { n } else { 5u32 };
    #[id = "i9"]
    let _d = pgflow::after(&_b, inc(run, 9, (match n % 3 { 0 => _b, n if n == 1 => n, _ => n }))).await?;
    
    }
    let _end = n.wrapping_add(_b).wrapping_add(_e);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "last"]
    inc(run, 10, _end).await
    }
    #[id = "least"]
    None => flaky(run, 11, _end).await,
    }
}

#[workflow(id = "random_19")]
pub async fn random_19(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _e = mix(run, 1, n, (format!("{n:>3}").len() as u32)).await?;
    #[id = "i2"]
    let _d = inc(run, 2, half(_e).map_or(5u32, |x| x)).await?;
    #[id = "i3"]
    let _b = mix(run, 3, 5u32, half(n).map_or(5u32, |x| x)).await?;
    let _d = pgflow::signal::<u32>("given").await?;
    if _b.wrapping_add(_d) % 3 > _e % 2 {
    #[id = "i4"]
    effect(run, 4, 5u32).await?;
    } else {
    
    }
    #[id = "i5"]
    let _d = inc(run, 5, (_b ^ 7u32)).await?;
    let _a = _b.wrapping_add(5u32);
    #[id = "i6"]
    let _d = flaky(run, 6, _a).await?;
    let _end = n.wrapping_add(_e).wrapping_add(_b).wrapping_add(_a).wrapping_add(_d);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "i9"]
    let _c = pgflow::after(&n, inc(run, 9, half(_a).map_or(_a, |x| x))).await?;
    if [_b, _c].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add) % 3 > _e % 2 {
    #[id = "i10"]
    effect(run, 10, 5u32).await?;
    }
    #[id = "last"]
    inc(run, 7, _end).await
    }
    #[id = "least"]
    None => flaky(run, 8, _end).await,
    }
}

#[workflow(id = "random_20")]
pub async fn random_20(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _e = mix(run, 1, n, (5u32 ^ 7u32)).await?;
    let _e = if let Some(n) = half((if n > n { n } else { n })) && n > 1 { n } else if 5u32 > 9 { 5u32 } else { (_e ^ 7u32) };
    #[id = "i2"]
    let _r = flaky(run, 2, ({ let n = n; let q = n.wrapping_add(5u32); q })).await;
    let _a = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    let _a = if let Some(_d) = half((match 5u32 % 3 { 0 => _a, n if n == 1 => n, _ => 5u32 })) && _d > 1 {
    ({ let n = _e; let q = n.wrapping_add(5u32); q })
    } else if 5u32 > 9 {
    #[id = "i3"]
    let _c = match pgflow::map(0.._a % 3, |x| flaky(run, 3, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i4"]
    let _d = mix(run, 4, inner(run, 5, ({ let n = _c; let q = n.wrapping_add(n); q })).await?, (format!("{_a:>3}").len() as u32)).await?.wrapping_add(1);
    (match n % 3 { 0 => _e, n if n == 1 => n, _ => n })
    } else {
    #[id = "i6"]
    let _d = inc(run, 6, half(5u32).map_or(5u32, |x| x)).await?;
    #[id = "i7"]
    let _b = match pgflow::map(0.._a % 5, |x| flaky(run, 7, x)).at_least(0.6).limit(2).await { Ok(all) => all.iter().filter(|r| r.is_ok()).count() as u32, Err(e) => e.to_string().len() as u32 };
    (if _a > n { _a } else { n })
    };
    let _a = (5u32 ^ 7u32);
    let _end = n.wrapping_add(_e).wrapping_add(_a);
    #[id = "last"]
    inc(run, 8, _end).await
}

#[workflow(id = "random_21")]
pub async fn random_21(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _ = effect(run, 1, (if n > n { n } else { n })).await?;
    #[id = "i2"]
    let _b = pgflow::child(doubled(run, 2, [n, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add))).await?;
    #[id = "i3"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    #[id = "i4"]
    let _c = mix(run, 4, 5u32, [_b, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    #[id = "i5"]
    let _r = flaky(run, 5, [_c, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i6"]
    let _d = inc(run, 6, (format!("{_d:>3}").len() as u32)).await?;
    let _a = pgflow::signal::<u32>("given").within("1h").await?;
    let _end = (format!("{_d:>3}").len() as u32).wrapping_add(_b).wrapping_add(_c).wrapping_add(_d).wrapping_add(_a);
    match half(_end) {
    Some(_q) if _q % 5 == 1 => Err(Odd::Odd(_q)),
    Some(_q) => {
    #[id = "i9"]
    let _d = pgflow::child(doubled(run, 9, _c.wrapping_add(_b))).await?;
    #[id = "i10"]
    let _k = kind(run, 10, (if 5u32 > _a { 5u32 } else { _a })).await?;
    let _e = match _k.clone() { Kind::Unit => _b, Kind::One(_a) if _a % 2 == 0 => _a.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _a, ref s } => _a.wrapping_add(s.len() as u32) };
    #[id = "last"]
    inc(run, 7, _end).await
    }
    #[id = "least"]
    None => flaky(run, 8, _end).await,
    }
}

#[workflow(id = "random_22")]
pub async fn random_22(run: u32, n: u32) -> Fallible<u32> {
    let _t = format!("{n:>4}");
    #[id = "i1"]
    let _u = text(run, 1, n, &_t).await?;
    let _e = _u.len() as u32;
    let _a = (match 5u32 % 3 { 0 => _e, n if n == 1 => n, _ => 5u32 });
    #[id = "i2"]
    let _c = pgflow::child(doubled(run, 2, ({ let n = n; let q = n.wrapping_add(n); q }))).await?;
    let _e = if let Some(n) = half((match n % 3 { 0 => n, n if n == 1 => n, _ => n })) && n > 1 { n } else if _c > 9 { _c } else { _c.wrapping_add(n) };
    #[id = "i3"]
    let _c = match pgflow::map(0..n % 3, |x| flaky(run, 3, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _end = _a.wrapping_add(n).wrapping_add(_a).wrapping_add(_e).wrapping_add(_c);
    Ok(_end)
}

#[workflow(id = "random_23")]
pub async fn random_23(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _e = flaky(run, 1, n).await?;
    if ({ let n = 5u32; let q = n.wrapping_add(5u32); q }) % 3 > n % 2 {
    #[id = "i2"]
    effect(run, 2, 5u32).await?;
    } else {
    #[id = "i3"]
    let _c = match pgflow::map(0..n % 3, |x| flaky(run, 3, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    
    }
    #[id = "i4"]
    let _ = effect(run, 4, (if n > _e { n } else { _e })).await?;
    #[id = "i5"]
    let _e = inc(run, 5, (match _e % 3 { 0 => n, n if n == 1 => n, _ => _e })).await?;
    #[id = "i6"]
    let _ = effect(run, 6, (format!("{_e:>3}").len() as u32)).await?;
    #[id = "i7"]
    let _k = kind(run, 7, (if _e > _e { _e } else { _e })).await?;
    let _e = match _k.clone() { Kind::Unit => _e, Kind::One(_b) if _b % 2 == 0 => _b.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _b, ref s } => _b.wrapping_add(s.len() as u32) };
    let _end = (if 5u32 > n { 5u32 } else { n }).wrapping_add(_e);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_24")]
pub async fn random_24(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _c = inc(run, 1, ({ let n = n; let q = n.wrapping_add(n); q })).await?;
    let _t = format!("{_c:>4}");
    #[id = "i2"]
    let _u = text(run, 2, n, &_t).await?;
    let _b = _u.len() as u32;
    #[id = "i3"]
    let _ = effect(run, 3, (format!("{_b:>3}").len() as u32)).await?;
    #[id = "i4"]
    let _e = match pgflow::child(doubled(run, 4, [_c, _b].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    effect(run, 5, (format!("{_e:>3}").len() as u32)).await?;
    #[id = "i6"]
    let _a = pgflow::map((0.._b % 4).map(|x| (run, 6, x)), one).await?.into_iter().fold(1u32, u32::wrapping_add);
    let _end = n.wrapping_add(_c).wrapping_add(_b).wrapping_add(_e).wrapping_add(_a);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_25")]
pub async fn random_25(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _c = match pgflow::map(0..n % 3, |x| flaky(run, 1, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _b = if let Some(n) = half([_c, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)) && n > 1 { n } else if _c > 9 { _c } else { (match n % 3 { 0 => _c, n if n == 1 => n, _ => n }) };
    let _b = pgflow::signal::<u32>("given").await?;
    #[id = "i2"]
    let _e = mix(run, 2, inner(run, 3, (match 5u32 % 3 { 0 => _b, n if n == 1 => n, _ => 5u32 })).await?, (5u32 ^ 7u32)).await?.wrapping_add(1);
    let _e = _e.wrapping_add(if ({ let n = 5u32; let q = n.wrapping_add(5u32); q }) > _e {
    _e.wrapping_add(_c)
    } else { _e });
    #[id = "i4"]
    let _e = match pgflow::map(0.._b % 3, |x| flaky(run, 4, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    let _b = flaky(run, 5, _c).await?;
    #[id = "i6"]
    let _c = if inc(run, 6, [_e, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await? % 2 == 0 { _e } else { n };
    let _c = 5u32.wrapping_add(if (format!("{_b:>3}").len() as u32) > 5u32 {
    #[id = "i7"]
    effect(run, 7, (if _e > _c { _e } else { _c })).await?;
    (n ^ 7u32)
    } else { 5u32 });
    let _e = if let Some(n) = half(({ let n = n; let q = n.wrapping_add(5u32); q })) && n > 1 { n } else if _e > 9 { _e } else { half(_e).map_or(_e, |x| x) };
    #[id = "i8"]
    let _d = if inc(run, 8, [_b, _b].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await? % 2 == 0 { _b } else { 5u32 };
    let _end = n.wrapping_add(_b).wrapping_add(_c).wrapping_add(_e).wrapping_add(_d);
    Ok(_end)
}

#[workflow(id = "random_26")]
pub async fn random_26(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    let _ = effect(run, 1, n.wrapping_add(5u32)).await?;
    #[id = "i2"]
    let _b = match pgflow::child(doubled(run, 2, (match n % 3 { 0 => n, n if n == 1 => n, _ => n }))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i3"]
    let _e = pgflow::after(&_b, inc(run, 3, (if _b > 5u32 { _b } else { 5u32 }))).await?;
    let _t = format!("{n:>4}");
    #[id = "i4"]
    let _u = text(run, 4, _e, &_t).await?;
    let _c = _u.len() as u32;
    #[id = "i5"]
    let _r = flaky(run, 5, [_b, _b].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await;
    let _e = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i6"]
    let _b = mix(run, 6, _c, (format!("{_e:>3}").len() as u32)).await?;
    #[id = "i7"]
    pgflow::sleep(std::time::Duration::ZERO).await;
    let _e = if let Some(_a) = half((match n % 3 { 0 => 5u32, n if n == 1 => n, _ => n })) && _a > 1 {
    #[id = "i8"]
    let _r = flaky(run, 8, (_a ^ 7u32)).await;
    let _d = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    let _c = (format!("{n:>3}").len() as u32);
    ({ let n = _d; let q = n.wrapping_add(n); q })
    } else if 5u32 > 9 {
    #[id = "i9"]
    let _r = flaky(run, 9, n.wrapping_add(_e)).await;
    let _a = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i10"]
    inc(run, 10, half(5u32).map_or(_b, |x| x)).await?
    } else {
    #[id = "i11"]
    let _a = pgflow::map(vec![half(_e).map_or(n, |x| x), 5u32], |x| mix(run, 11, x, n)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    #[id = "i12"]
    let _a = flaky(run, 12, n).await?;
    ({ let n = _b; let q = n.wrapping_add(_b); q })
    };
    let _end = (format!("{n:>3}").len() as u32).wrapping_add(_c).wrapping_add(_b).wrapping_add(_e);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_27")]
pub async fn random_27(run: u32, n: u32) -> Fallible<u32> {
    let _e = 5u32.wrapping_add(if ({ let n = n; let q = n.wrapping_add(n); q }) > 5u32 {
    #[id = "i5"]
    let _r = flaky(run, 5, (if 5u32 > 5u32 { 5u32 } else { 5u32 })).await;
    let _b = match _r {
    Ok(n) => {
    #[id = "i2"]
    let _b = inc(run, 2, 5u32.wrapping_add(5u32)).await?;
    #[id = "i3"]
    let _c = pgflow::child(doubled(run, 3, half(n).map_or(5u32, |x| x))).await?;
    #[id = "i4"]
    inc(run, 4, (n ^ 7u32)).await?
    }
    Err(e) => {
    #[id = "i1"]
    let _told = text(run, 1, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add(n.wrapping_add(5u32))
    }
    };
    (if _b > 5u32 { _b } else { 5u32 })
    } else { 5u32 });
    #[id = "i6"]
    let _b = match pgflow::map(0.._e % 3, |x| flaky(run, 6, x)).await { Ok(all) => all.len() as u32, Err(e) => e.to_string().len() as u32 };
    let _a = if (if 5u32 > _e { 5u32 } else { _e }) > _b {
    if (if _e > _b { _e } else { _b }) % 3 > _e % 2 {
    #[id = "i8"]
    let _r = flaky(run, 8, n.wrapping_add(_b)).await;
    let _e = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i7"]
    effect(run, 7, _b).await?;
    } else {
    
    }
    #[id = "i9"]
    inc(run, 9, half(5u32).map_or(5u32, |x| x)).await?
    } else {
    #[id = "i10"]
    let _k = kind(run, 10, [5u32, n].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _b = match _k.clone() {
    #[id = "i12"]
    Kind::Unit => inc(run, 12, n).await?,
    Kind::One(_d) if _d % 2 == 0 => {
    #[id = "i11"]
    inc(run, 11, (match _d % 3 { 0 => _b, n if n == 1 => n, _ => _d })).await?
    }
    Kind::One(n) => {
    half(_e).map_or(n, |x| x)
    }
    Kind::Named { m: _d, ref s } if s.len() > 1 => {
    (_e ^ 7u32)
    }
    Kind::Named { s, .. } => s.len() as u32,
    };
    #[id = "i13"]
    let _e = pgflow::after(&_b, inc(run, 13, (5u32 ^ 7u32))).await?;
    half(_b).map_or(5u32, |x| x)
    };
    #[id = "i14"]
    let _a = mix(run, 14, _e, [5u32, _b].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add)).await?;
    let _t = format!("{_a:>4}");
    #[id = "i15"]
    let _u = text(run, 15, _b, &_t).await?;
    let _b = _u.len() as u32;
    let _end = (if n > n { n } else { n }).wrapping_add(_e).wrapping_add(_a).wrapping_add(_b);
    if _end % 7 == 3 { Err(Odd::Odd(_end)) } else { Ok(_end) }
}

#[workflow(id = "random_28")]
pub async fn random_28(run: u32, n: u32) -> Fallible<u32> {
    let _a = 5u32.wrapping_add(if [n, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add) > 5u32 {
    #[id = "i1"]
    let _k = kind(run, 1, (5u32 ^ 7u32)).await?;
    let _a = match _k.clone() { Kind::Unit => n, Kind::One(_c) if _c % 2 == 0 => _c.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _c, ref s } => _c.wrapping_add(s.len() as u32) };
    half(n).map_or(_a, |x| x)
    } else { 5u32 });
    let _t = format!("{n:>4}");
    #[id = "i2"]
    let _u = text(run, 2, 5u32, &_t).await?;
    let _e = _u.len() as u32;
    #[id = "i3"]
    let _b = match pgflow::child(doubled(run, 3, (if n > _a { n } else { _a }))).await { Ok(n) => n, Err(e) => e.to_string().len() as u32 };
    #[id = "i4"]
    let _r = flaky(run, 4, 5u32.wrapping_add(_a)).await;
    let _e = match &_r { Ok(n) => *n, Err(e) => e.to_string().len() as u32 };
    #[id = "i5"]
    let _b = flaky(run, 5, _a).await?;
    let _end = n.wrapping_add(_a).wrapping_add(_e).wrapping_add(_b);
    Ok(_end)
}

#[workflow(id = "random_29")]
pub async fn random_29(run: u32, n: u32) -> Fallible<u32> {
    #[id = "i1"]
    effect(run, 1, 5u32.wrapping_add(n)).await?;
    let _t = format!("{n:>4}");
    #[id = "i2"]
    let _u = text(run, 2, 5u32, &_t).await?;
    let _a = _u.len() as u32;
    let _t = format!("{_a:>4}");
    #[id = "i3"]
    let _u = text(run, 3, _a, &_t).await?;
    let _c = _u.len() as u32;
    #[id = "i4"]
    let _k = kind(run, 4, (match n % 3 { 0 => 5u32, n if n == 1 => n, _ => n })).await?;
    let _e = match _k.clone() { Kind::Unit => _c, Kind::One(_b) if _b % 2 == 0 => _b.wrapping_mul(2), Kind::One(n) => n, Kind::Named { m: _b, ref s } => _b.wrapping_add(s.len() as u32) };
    #[id = "i7"]
    let _r = flaky(run, 7, (if 5u32 > 5u32 { 5u32 } else { 5u32 })).await;
    let _e = match _r {
    Ok(n) => {
    #[id = "i6"]
    inc(run, 6, (5u32 ^ 7u32)).await?
    }
    Err(e) => {
    #[id = "i5"]
    let _told = text(run, 5, n, &e.to_string()).await?;
    let _l = _told.len() as u32;
    _l.wrapping_add((match _e % 3 { 0 => 5u32, n if n == 1 => n, _ => _e }))
    }
    };
    #[id = "i8"]
    let _c = pgflow::map(vec![[_a, 5u32].iter().map(|n| n.wrapping_mul(2)).fold(0u32, u32::wrapping_add), _c], |x| mix(run, 8, x, n)).await?.iter().copied().fold(0u32, u32::wrapping_add);
    let _end = (format!("{n:>3}").len() as u32).wrapping_add(_a).wrapping_add(_e).wrapping_add(_c);
    Ok(_end)
}

/// Calls a macro with all programs; each with the places of its effects.
macro_rules! each_program {
    ($check:ident) => {
        $check! {
            random_0 [1, 9, 11];
            random_1 [5];
            random_2 [];
            random_3 [2];
            random_4 [1, 7, 9];
            random_5 [3, 4, 6, 8];
            random_6 [1, 8, 10];
            random_7 [8];
            random_8 [];
            random_9 [];
            random_10 [];
            random_11 [3, 7, 9];
            random_12 [4, 16];
            random_13 [10];
            random_14 [];
            random_15 [7, 8, 10];
            random_16 [14, 27];
            random_17 [1, 7];
            random_18 [1, 6];
            random_19 [4];
            random_20 [];
            random_21 [1];
            random_22 [];
            random_23 [2, 4, 6];
            random_24 [3, 5];
            random_25 [7];
            random_26 [1];
            random_27 [7];
            random_28 [];
            random_29 [1];
        }
    };
}
pub(crate) use each_program;
