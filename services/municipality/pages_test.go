package municipality

import (
	"io/fs"
	"testing"
	"time"

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
	until, over := at.AddDate(5, 0, 0), at.AddDate(0, 0, -1)
	hanako := Resident{ID: "hanako", Name: "手形　花子", Kana: "テガタ　ハナコ", Birth: "1980-02-17", Sex: "2", Address: "見本県手形市一丁目2番3号"}
	mio := Resident{ID: "yoshida", Name: "吉田　澪", NameOriginal: "𠮷田　澪", Kana: "ヨシダ　ミオ", Birth: "1999-12-31", Sex: "9", Address: "見本県関所町字川原7番地", Alias: "みお"}
	megumi := Resident{ID: "megumi", Name: "伊藤　恵", Kana: "イトウ　メグミ", Birth: "1983-10-10", Sex: "2", Address: "見本県手形市八丁目3番9号", Protected: true, Died: true}
	abroad := Resident{ID: "abroad", Name: "佐藤　健", Kana: "サトウ　ケン", Birth: "1983-10-10", Sex: "1", Address: "見本県手形市九丁目", Emigrated: true}
	page := residentsPage{After: "megumi"}
	var cards []CardView
	for _, s := range []CardState{CardOrdered, CardRequested, CardIssued, CardReady, CardPersonalised, CardReplaced, CardReturned} {
		cards = append(cards, CardView{ID: "card-" + string(s), State: s, Signature: true})
	}
	cards = append(cards, CardView{ID: "card-over", State: CardPersonalised, NotAfter: &over},
		CardView{ID: "card-sign", Onto: "card-lost", State: CardPersonalised, Signature: true},
		CardView{ID: "card-no", State: CardRefused, Trouble: "person-not-registered"},
		CardView{ID: "card-lost", State: CardPersonalised, Signature: true, SignEnded: true, Lost: true, NotAfter: &until})
	var events []EventView
	for _, k := range []EventKind{Moved, NameChanged, Died, Emigrated, CardLost, CardFound, CardRevoked, CardRenewed} {
		events = append(events, EventView{ID: string(k), Kind: k, State: EventDelivered, At: at, Changed: 2})
	}
	events = append(events, EventView{ID: "sign", Kind: CardRevoked, Certificate: "card-sign", State: EventDelivered, At: at},
		EventView{ID: "told", Kind: Announced, Of: Moved, On: &until, State: EventDelivered, At: at},
		EventView{ID: "back", Kind: Announced, Of: Moved, Cancelled: true, State: EventDelivered, At: at})
	for _, s := range []EventState{EventWaiting, EventRefused, EventLocal, EventCancelled, EventPlanned} {
		events = append(events, EventView{ID: string(s), Kind: Moved, State: s, At: at, On: &until, Trouble: "unknown-person"})
	}
	open := Entry{Resident: hanako, Cards: cards, Events: events, Trouble: "unreachable"}
	page.People = []shownResident{
		{open, "見本県手形市", at, []deed{deedHandOver, deedMoved, deedCardSign}},
		{Entry{Resident: mio}, "見本県関所町", at, Entry{Resident: mio}.deeds(at)},
		{Entry{Resident: megumi}, "見本県手形市", at, nil},
		{Entry{Resident: abroad}, "見本県手形市", at, nil},
	}
	return page
}

// allDeeds are those that the pages know.
var allDeeds = []deed{deedMoved, deedRenamed, deedEmigrated, deedDied, deedCardNew, deedHandOver, deedCardSign, deedCardLost, deedCardFound, deedCardReturn, deedSignReturn, deedCancel}

// samples are all pages.
func samples() []uitest.Page {
	all := everybody()
	pages := []uitest.Page{
		{Name: "an-empty-register", Screen: ui.Screen{Page: "residents", Data: residentsPage{}}},
		{Name: "everybody", Screen: ui.Screen{Page: "residents", Data: all}},
	}
	for _, p := range all.People {
		pages = append(pages, uitest.Page{Name: "resident-" + p.Resident.ID, Screen: ui.Screen{Page: "resident", Data: p}})
	}
	hanako := all.People[0]
	for _, d := range allDeeds {
		card := hanako.Cards[len(hanako.Cards)-1]
		p := deskPage{Entry: hanako.Entry, Town: hanako.Town, NewTown: "見本県関所町", Deed: d, ID: "r1", Card: &card, Lines: d.fates(&CardView{Signature: true}, true),
			Towns: []Municipality{{Code: "99001", Prefecture: "見本県", City: "手形市"}, {Code: "99002", Prefecture: "見本県", City: "関所町"}}, Earliest: "2026-11-22"}
		if d == deedCancel {
			p.Planned, p.Lines = &hanako.Events[len(hanako.Events)-1], d.fates(nil, true)
		}
		pages = append(pages, uitest.Page{Name: "deed-" + string(d), Screen: ui.Screen{Page: "deed", Data: p}})
		p.In = Report{Municipality: "99002", Address: "見本県関所町字森1番地", Name: "関所　花子", Kana: "セキショ　ハナコ", Birth: "1980-02-18", Sex: "2", On: "2026-12-01"}
		pages = append(pages, uitest.Page{Name: "review-" + string(d), Screen: ui.Screen{Page: "review", Data: p}})
		for _, field := range []string{"address", "name", "kana", "birth", "on", "other"} {
			p.Wrong, p.In.On = field, ""
			pages = append(pages, uitest.Page{Name: "wrong-" + string(d) + "-" + field, Screen: ui.Screen{Page: "deed", Data: p, Bad: true}})
		}
	}
	for i := range hanako.Events {
		pages = append(pages, uitest.Page{Name: "told-" + hanako.Events[i].ID, Screen: ui.Screen{Page: "done", Data: donePage{shownResident: hanako, Event: &hanako.Events[i]}}})
	}
	for i := range hanako.Cards {
		pages = append(pages, uitest.Page{Name: "done-" + hanako.Cards[i].ID, Screen: ui.Screen{Page: "done", Data: donePage{shownResident: hanako, Card: &hanako.Cards[i]}}})
	}
	return pages
}

func TestEveryPageRenders(t *testing.T) {
	pages, err := OpenPages()
	if err != nil {
		t.Fatal(err)
	}
	uitest.Pages(t, pages.site, samples())
}

func TestLookAtThePages(t *testing.T) {
	pages, err := OpenPages()
	if err != nil {
		t.Fatal(err)
	}
	uitest.Preview(t, pages.site, samples())
}

func TestAProtectedAddressIsNotInThePages(t *testing.T) {
	pages, err := OpenPages()
	if err != nil {
		t.Fatal(err)
	}
	all := samples()
	for _, p := range all {
		if uitest.Has(t, pages.site, all, p.Name, ui.JA, "八丁目") {
			t.Errorf("%s shows a guarded address", p.Name)
		}
	}
	if !uitest.Has(t, pages.site, all, "resident-hanako", ui.JA, "一丁目2番3号") {
		t.Error("nor does any page show another's")
	}
}
