//! The page's checks: methods against each other, norms, calibration, unread answers.

use minijinja::{Value, context};

use super::charts::{heat_share, matrix, reliability};
use super::findings::norm_dependence;
use super::names;
use super::page::{Page, safe};
use super::words::{contrast, otherwise, p_words, people, percent, with_interval};

impl Page<'_> {
    pub(super) fn methods(&self) -> Vec<Value> {
        let pairs = self.report.methods.iter().enumerate().map(|(at, pair)| {
            let c = &pair.comparison;
            let title = self.tagged(&format!("{} and {}, right and wrong", pair.first, pair.second));
            let rows = self.report.categories.iter().enumerate().filter_map(|(row, category)| {
                let agreement = c.agreement_by_category[row]?;
                Some(context! {
                    category => names::short_category(category),
                    agreement => percent(Some(agreement.agreement)),
                    heat => format!("{:.3}", heat_share(agreement.agreement)),
                    kappa => super::words::kappa(agreement.kappa),
                    difference => contrast(c.difference.categories[row].as_ref()),
                })
            });
            context! {
                first => pair.first.clone(), second => pair.second.clone(), common => pair.common.clone(),
                svg => safe(matrix(&c.table, &pair.first.clone(), &pair.second.clone(), &format!("pair-{at}"), &title)),
                rows => rows.collect::<Vec<_>>(),
                agreement => percent(c.agreement.map(|a| a.agreement)),
                kappa => super::words::kappa(c.agreement.and_then(|a| a.kappa)),
                difference => contrast(c.difference.overall.as_ref()),
                otherwise => otherwise(c.difference.overall.as_ref()),
                p => c.difference.overall.and_then(|d| d.wrong.p).map(|p| p_words(Some(p))),
                mcnemar => p_words(Some(c.mcnemar)),
                detectable => c.minimum_detectable.map(|d| format!("{:.1}", 100.0 * d)),
                probes => c.table.probes(), people => people(c.people),
            }
        });
        pairs.collect()
    }

    pub(super) fn norms(&self) -> Vec<Value> {
        let systems = self.report.norms.iter().map(|scores| {
            let rows: Vec<Value> = scores
                .norms
                .iter()
                .map(|row| {
                    context! {
                        norm => row.norm.name(), meaning => names::norm(row.norm),
                        accuracy => with_interval(row.accuracy.as_ref()),
                        shortest => row.shortest.as_ref().map_or("–".to_owned(), |s| super::choices::beside(&s.share)),
                        agreement => row.agreement.map_or("headline".to_owned(), |a| percent(Some(a.agreement))),
                        over_chance => contrast(row.over_chance.as_ref()),
                        over_baseline => contrast(row.over_baseline.as_ref()),
                    }
                })
                .collect();
            let dependence = norm_dependence(scores);
            context! { system => scores.label.clone(), baseline => scores.baseline.clone(), rows, dependence }
        });
        systems.collect()
    }

    pub(super) fn calibration(&self) -> Vec<Value> {
        let systems = self.report.calibration.iter().enumerate().map(|(at, system)| {
            let c = &system.calibration;
            let title = self.tagged(&format!("Calibration of {}", system.label));
            context! {
                system => system.label.clone(),
                svg => safe(reliability(c, at, &format!("calibration-{at}"), &title)),
                brier => format!("{:.3}", c.brier), brier_of_chance => format!("{:.3}", c.brier_of_chance),
                ece => percent(Some(c.ece)), log_loss => format!("{:.3}", c.log_loss), probes => c.probes,
            }
        });
        systems.collect()
    }

    pub(super) fn readings(&self) -> Vec<Value> {
        let systems = self.report.readings.iter().map(|system| {
            let (r, b) = (&system.readings, &system.bounds);
            context! {
                system => system.label.clone(), probes => r.probes, out_of_range => r.out_of_range,
                missing => r.missing, unparsable => r.unparsable, retries => r.retries,
                share => percent((r.probes > 0).then(|| (r.probes - r.choice) as f64 / r.probes as f64)),
                wrong => percent(b.wrong), chance => percent(b.chance), dropped => percent(b.dropped),
                right => percent(b.right),
            }
        });
        systems.collect()
    }
}
