//! The rows of a pass cut into tiles and strips, with the pages that each of them sees.

use super::segment::{PAGE, Segment};
use super::window::{AttentionWindow, seen};
use std::ops::Range;

/// Pages of a block, 384 positions: one step of the online softmax. Blocks are counted from position 0 of a path, and so
/// are the pages that share a block of the store: no part of a step reaches over its end.
pub(super) const BLOCK_PAGES: usize = 12;

/// How the query rows of a pass are cut; none of it shows in the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TileSizes {
    /// Rows of a tile, about.
    pub rows: usize,
    /// Query heads of one key head: each row is so many query rows.
    pub group: usize,
    /// Query rows of a strip at most.
    pub strip: usize,
}

/// Neighbouring rows whose attention one task computes for one key head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowTile {
    pub rows: Range<usize>,
    /// Each row's position on its own path.
    pub positions: Vec<usize>,
    /// What is done for the strips of the tile, block after block.
    pub steps: Vec<TileStep>,
}

/// What a strip of query rows sees of one block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TileStep {
    /// Query rows of the tile: row times group plus query head.
    pub strip: Range<usize>,
    /// The path's pages that are looked at.
    pub pages: Range<usize>,
    /// Where they are; the parts of a query row are in path order.
    pub parts: Vec<SharedPages>,
}

/// Pages that some query rows of a strip see, neighbours on the paths and in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SharedPages {
    /// Query rows of the tile.
    pub rows: Range<usize>,
    /// The path's pages.
    pub path: Range<usize>,
    /// The first page in the store.
    pub page: usize,
}

/// Query rows of one segment.
struct Member<'a> {
    rows: Range<usize>,
    segment: &'a Segment,
    /// Pages that any of them sees.
    pages: Range<usize>,
}

/// The rows of `segments` in tiles; with a `window` a row sees no further than that.
pub(super) fn tiles(segments: &[Segment], window: Option<AttentionWindow>, sizes: TileSizes) -> Vec<RowTile> {
    let all = segments.last().map_or(0, |segment| segment.rows.end);
    let count = all.div_ceil(sizes.rows.max(1));
    let start = |tile: usize| tile * (all / count) + tile.min(all % count);
    let mut first = 0;
    let mut tiles = Vec::with_capacity(count);
    for tile in 0..count {
        let rows = start(tile)..start(tile + 1);
        while segments
            .get(first)
            .is_some_and(|segment| segment.rows.end <= rows.start)
        {
            first += 1;
        }
        let here = segments[first..]
            .iter()
            .take_while(|segment| segment.rows.start < rows.end);
        tiles.push(tile_of(rows.clone(), &here.collect::<Vec<_>>(), window, sizes));
    }
    tiles
}

fn tile_of(rows: Range<usize>, segments: &[&Segment], window: Option<AttentionWindow>, sizes: TileSizes) -> RowTile {
    let mut positions = Vec::with_capacity(rows.len());
    for segment in segments {
        let mine = segment.rows.start.max(rows.start)..segment.rows.end.min(rows.end);
        positions.extend(mine.map(|row| segment.position + row - segment.rows.start));
    }
    let query_rows = rows.len() * sizes.group;
    let count = query_rows.div_ceil(sizes.strip.max(1));
    let mut steps = Vec::new();
    for strip in 0..count {
        let start = |strip: usize| strip * (query_rows / count) + strip.min(query_rows % count);
        let strip = start(strip)..start(strip + 1);
        let members = members(&strip, &rows, segments, window, sizes.group);
        strip_steps(&strip, &members, &mut steps);
    }
    // Block after block: what strips share of one is in the cache.
    steps.sort_by_key(|step| step.pages.start / BLOCK_PAGES);
    RowTile { rows, positions, steps }
}

/// A strip's query rows by segment; `rows` are the tile's.
fn members<'a>(
    strip: &Range<usize>,
    rows: &Range<usize>,
    segments: &[&'a Segment],
    window: Option<AttentionWindow>,
    group: usize,
) -> Vec<Member<'a>> {
    let mut members = Vec::new();
    for &segment in segments {
        let first = segment.rows.start.max(rows.start) - rows.start;
        let end = segment.rows.end.min(rows.end) - rows.start;
        let mine = (first * group).max(strip.start)..(end * group).min(strip.end);
        if mine.is_empty() {
            continue;
        }
        let position = |query_row: usize| segment.position + rows.start + query_row / group - segment.rows.start;
        let from = seen(position(mine.start), window).start;
        let to = seen(position(mine.end - 1), window).end;
        members.push(Member {
            rows: mine,
            segment,
            pages: from / PAGE..to.div_ceil(PAGE),
        });
    }
    members
}

/// The steps of one strip.
fn strip_steps(strip: &Range<usize>, members: &[Member<'_>], steps: &mut Vec<TileStep>) {
    let from = members.iter().map(|member| member.pages.start).min().unwrap_or(0);
    let to = members.iter().map(|member| member.pages.end).max().unwrap_or(0);
    for block in from / BLOCK_PAGES..to.div_ceil(BLOCK_PAGES) {
        let pages = from.max(block * BLOCK_PAGES)..to.min((block + 1) * BLOCK_PAGES);
        let (mut parts, mut open) = (Vec::new(), Vec::<SharedPages>::new());
        for page in pages.clone() {
            let next = parts_of(page, members);
            let goes_on = open.len() == next.len()
                && open.iter().zip(&next).all(|(open, next)| {
                    open.rows == next.rows
                        && open.page + open.path.len() == next.page
                        && !next.page.is_multiple_of(BLOCK_PAGES)
                });
            if goes_on {
                open.iter_mut().for_each(|open| open.path.end += 1);
            } else {
                parts.append(&mut open);
                open = next;
            }
        }
        parts.append(&mut open);
        if !parts.is_empty() {
            steps.push(TileStep {
                strip: strip.clone(),
                pages,
                parts,
            });
        }
    }
}

/// Who sees which page of the store at a page of the paths.
fn parts_of(page: usize, members: &[Member<'_>]) -> Vec<SharedPages> {
    let mut parts: Vec<SharedPages> = Vec::new();
    for member in members.iter().filter(|member| member.pages.contains(&page)) {
        let held = member.segment.pages[page] as usize;
        match parts.last_mut() {
            Some(last) if last.page == held && last.rows.end == member.rows.start => last.rows.end = member.rows.end,
            _ => parts.push(SharedPages {
                rows: member.rows.clone(),
                path: page..page + 1,
                page: held,
            }),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(rows: Range<usize>, position: usize, pages: &[u32]) -> Segment {
        Segment {
            rows,
            position,
            pages: pages.into(),
            copied: None,
        }
    }

    fn part(rows: Range<usize>, path: Range<usize>, page: usize) -> SharedPages {
        SharedPages { rows, path, page }
    }

    const SIZES: TileSizes = TileSizes {
        rows: 8,
        group: 1,
        strip: 12,
    };

    #[test]
    fn what_neighbours_share_is_one_part_and_what_is_their_own_is_one_each() {
        let segments = [
            segment(0..3, 70, &[0, 1, 2]),
            segment(3..5, 70, &[0, 1, 5]),
            segment(5..9, 66, &[0, 1, 6]),
        ];
        let made = tiles(&segments, None, TileSizes { rows: 20, ..SIZES });
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].positions, [70, 71, 72, 70, 71, 66, 67, 68, 69]);
        assert_eq!(
            made[0].steps,
            [TileStep {
                strip: 0..9,
                pages: 0..3,
                parts: vec![
                    part(0..9, 0..2, 0),
                    part(0..3, 2..3, 2),
                    part(3..5, 2..3, 5),
                    part(5..9, 2..3, 6)
                ],
            }]
        );
    }

    #[test]
    fn steps_end_at_blocks_of_the_path_and_parts_at_blocks_of_the_store() {
        let pages: Vec<u32> = (7..22).collect();
        let made = tiles(&[segment(0..1, 14 * PAGE + 3, &pages)], None, SIZES);
        let parts: Vec<_> = made[0].steps.iter().map(|step| step.parts.clone()).collect();
        assert_eq!(
            parts,
            [
                vec![part(0..1, 0..5, 7), part(0..1, 5..12, 12)],
                vec![part(0..1, 12..15, 19)]
            ]
        );
    }

    #[test]
    fn a_window_leaves_out_the_pages_before_it_and_strips_may_cut_a_row() {
        let pages: Vec<u32> = (0..9).collect();
        let sizes = TileSizes {
            rows: 4,
            group: 5,
            strip: 12,
        };
        let made = tiles(&[segment(0..4, 150, &pages)], Some(AttentionWindow::Sliding(40)), sizes);
        let strips: Vec<_> = made[0]
            .steps
            .iter()
            .map(|step| (step.strip.clone(), step.pages.clone()))
            .collect();
        assert_eq!(strips, [(0..10, 3..5), (10..20, 3..5)]);
        assert_eq!(seen(150, Some(AttentionWindow::Sliding(40))), 111..151);
    }
}
