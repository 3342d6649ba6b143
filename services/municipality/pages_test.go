package municipality

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"net/http/httptest"

	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
)

func TestEveryStringIsThereAndUsed(t *testing.T) {
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, pages, ".")
}

// everybody is the register in every state that it has.
func everybody() residentsPage {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	until := at.AddDate(5, 0, 0)
	hanako := Resident{ID: "hanako", Name: "手形　花子", Kana: "テガタ　ハナコ", Birth: "1980-02-17", Address: "見本県手形市一丁目2番3号"}
	mio := Resident{ID: "yoshida", Name: "吉田　澪", NameOriginal: "𠮷田　澪", Kana: "ヨシダ　ミオ", Birth: "1999-12-31", Address: "見本県関所町字川原7番地", Alias: "みお"}
	megumi := Resident{ID: "megumi", Name: "伊藤　恵", Kana: "イトウ　メグミ", Birth: "1983-10-10", Address: "見本県手形市八丁目3番9号", Protected: true, Died: true}
	page := residentsPage{After: "megumi"}
	var cards []CardView
	for _, s := range []CardState{CardOrdered, CardRequested, CardIssued, CardPersonalised, CardReplaced} {
		cards = append(cards, CardView{ID: "card-" + string(s), State: s, Signature: true})
	}
	cards = append(cards, CardView{ID: "card-lost", State: CardPersonalised, Lost: true, NotAfter: &until},
		CardView{ID: "card-no", State: CardRefused, Trouble: "person-not-registered"})
	var events []EventView
	for _, k := range []EventKind{Moved, NameChanged, Died, CardLost, CardFound, CardRenewed} {
		events = append(events, EventView{ID: string(k), Kind: k, State: EventDelivered, At: at})
	}
	for _, s := range []EventState{EventWaiting, EventRefused, EventLocal} {
		events = append(events, EventView{ID: string(s), Kind: Moved, State: s, At: at, Trouble: "unknown-person"})
	}
	page.People = []shownResident{
		{Entry{Resident: hanako, Cards: cards, Events: events, Trouble: "unreachable"}, "見本県手形市"},
		{Entry{Resident: mio}, "見本県関所町"},
		{Entry{Resident: megumi}, "見本県手形市"},
	}
	return page
}

func TestEveryPageRenders(t *testing.T) {
	pages, err := OpenPages()
	if err != nil {
		t.Fatal(err)
	}
	uitest.Pages(t, pages.site, []uitest.Page{
		{Name: "an empty register", Screen: ui.Screen{Page: "residents", Data: residentsPage{}}},
		{Name: "everybody", Screen: ui.Screen{Page: "residents", Data: everybody()}},
	})
}

func TestAProtectedAddressIsNotInThePage(t *testing.T) {
	pages, err := OpenPages()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := pages.site.Render(w, httptest.NewRequest("GET", "/", nil), ui.Screen{Page: "residents", Data: everybody()}); err != nil {
		t.Fatal(err)
	}
	if body := w.Body.String(); strings.Contains(body, "八丁目") || !strings.Contains(body, "一丁目2番3号") {
		t.Error("the page shows a guarded address, or none at all")
	}
}
