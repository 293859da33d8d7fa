//! Burn arithmetic against numbers of the workbook and against a simulation event by event.

use proptest::prelude::*;

use super::*;

fn tier(factor: f64, budget: f64, short: u64, long: u64) -> Tier {
    Tier {
        name: "t".into(),
        severity: Severity::Page,
        severity_text: None,
        factor,
        short: Some(Length(short)),
        long: Length(long),
        hold: None,
        threshold: tidy(factor * budget),
        floor: 0,
        z: 0.0,
    }
}

/// Counts bad events in windows second by second; answers when the condition first holds after the
/// start of the fault, and when it first fails after its end.
fn simulate(tier: &Tier, fault: Fault, lasts: u64) -> (Option<u64>, Option<u64>) {
    let bad_in = |window: f64, now: f64| {
        let from = (now - window).max(0.0);
        let to = now.min(lasts as f64);
        (to - from).max(0.0) * fault.rate * fault.share
    };
    let holds = |now: u64| {
        let now = now as f64;
        let n_long = fault.rate * tier.long.seconds();
        let long = bad_in(tier.long.seconds(), now);
        let short = tier.short.unwrap().seconds();
        long > tier.threshold * n_long + tier.margin() * n_long.sqrt()
            && long >= f64::from(tier.floor)
            && bad_in(short, now) > tier.threshold * fault.rate * short
    };
    let fires = (0..=lasts).find(|t| holds(*t));
    let clears = (lasts..lasts + tier.long.0 + 2).find(|t| !holds(*t)).map(|t| t - lasts);
    (fires, clears)
}

#[test]
fn a_total_outage_is_seen_when_the_workbook_says() {
    // 99.9 %: 14.4 times too fast over an hour is 1.44 %, reached after 51.84 s of nothing but errors.
    let page = tier(14.4, 0.001, 300, 3_600);
    let outage = Fault { rate: 100.0, share: 1.0 };
    assert_eq!(page.detection(outage).map(|s| (s * 100.0).round()), Some(5_184.0));
    assert!((page.reset(outage, 600.0) - 300.0 * (1.0 - 0.0144)).abs() < 1e-9);
    assert_eq!(page.detection(Fault { rate: 100.0, share: 0.0144 }), None);
}

#[test]
fn one_failure_alone_trips_below_the_limit() {
    assert_eq!(tier(14.4, 0.001, 300, 3_600).single_failure_limit().ceil(), 70.0);
    assert_eq!(tier(14.4, 0.0001, 300, 3_600).single_failure_limit().ceil(), 695.0);
    assert_eq!(tier(14.4, 0.01, 300, 3_600).single_failure_limit().ceil(), 7.0);
}

#[test]
fn a_factor_is_reachable_only_with_a_target_above_its_limit() {
    for (factor, target) in [(14.4, 93.06), (6.0, 83.34), (3.0, 66.67)] {
        let at = |percent: f64| tier(factor, (100.0 - percent) / 100.0, 300, 3_600);
        assert!(at(target).is_reachable() && !at(target - 0.02).is_reachable(), "{factor}");
    }
}

#[test]
fn quantiles_are_those_of_the_tables() {
    for (confidence, z) in [(0.95, 1.645), (0.99, 2.326), (0.999, 3.09), (0.5, 0.0), (0.2, 0.0)] {
        assert!(
            (quantile(confidence) - z).abs() < 1.1e-3,
            "{confidence}: {}",
            quantile(confidence)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn detection_and_reset_agree_with_a_simulation(
        factor in 1.0f64..15.0,
        budget in 0.0005f64..0.05,
        short in 60u64..600,
        times in 3u64..14,
        share in 0.02f64..1.0,
        rate in 0.05f64..50.0,
        floor in 0u32..6,
        z in prop_oneof![Just(0.0), Just(1.645)],
        more in 1u64..1_000,
    ) {
        let tier = Tier { floor, z, ..tier(factor, budget, short, short * times) };
        let fault = Fault { rate, share };
        let computed = tier.detection(fault);
        #[expect(clippy::cast_possible_truncation, reason = "at most days")]
        let lasts = computed.map_or(tier.long.0 + 60, |s| s.ceil() as u64 + 2 + more);
        let (fires, clears) = simulate(&tier, fault, lasts);
        match (computed, fires) {
            (Some(s), Some(t)) => {
                prop_assert!((s - t as f64).abs() <= 1.01, "fires at {t}, computed {s}");
                let reset = tier.reset(fault, lasts as f64);
                let t = clears.unwrap() as f64;
                prop_assert!((reset - t).abs() <= 1.01, "clears at {t}, computed {reset}");
            }
            (None, None) => {}
            // On the edge the simulation's last second may fall on either side.
            (None, Some(t)) => prop_assert!(t + 2 >= tier.long.0, "fires at {t}, computed never"),
            (Some(s), None) => prop_assert!(s + 2.0 >= tier.long.seconds(), "never, computed {s}"),
        }
    }

    #[test]
    fn the_slower_the_burn_the_later_the_alert(a in 0.02f64..0.9, more in 0.01f64..0.1) {
        let page = tier(14.4, 0.001, 300, 3_600);
        let at = |share| page.detection(Fault { rate: 10.0, share }).unwrap();
        prop_assert!(at(a) > at(a + more));
    }
}
