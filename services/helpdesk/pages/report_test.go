package pages

import (
	"testing"

	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
)

// States are those of a moment, and a page that an agent leaves open says of which. Where
// there are none it gives every cause that there may be.
func TestStatesAreOfAMoment(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	pages := samples(t)
	const asOf = "令和8年11月22日（2026-11-22） 09:41 に確かめた状態です。"
	sampled := 0
	for _, p := range pages {
		if p.Screen.Page == "view" {
			sampled++
			uitest.Says(t, site, pages, p.Name, map[ui.Lang][]string{ui.JA: {asOf}})
		}
	}
	if sampled == 0 {
		t.Error("no view was looked at")
	}
	uitest.Says(t, site, pages, "27-report-open", map[ui.Lang][]string{ui.JA: {asOf}, ui.EN: {"As of 22 November 2026"}})
	uitest.Says(t, site, pages, "27-report-unlinked", map[ui.Lang][]string{ui.JA: {"まだ一時停止できていないか、届け出から90日が過ぎた"}})
}
