package municipality_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/problem"
	"tegata/services/municipality"
	"tegata/store"
	"tegata/store/storetest"
)

func each(t *testing.T, body func(t *testing.T, w *world, r *municipality.Register, db *store.DB)) {
	t.Helper()
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		w := newWorld(t)
		body(t, w, w.open(db), db)
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestACardIsOrderedIssuedAndHandedOver(t *testing.T) {
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		if _, err := r.Add(t.Context(), officer, hanako()); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time nothing new happens
			card, err := r.OrderCard(t.Context(), officer, "hanako", "card-1")
			if err != nil {
				t.Fatal(err)
			}
			if card.State != municipality.CardPersonalised || !card.Signature || card.NotAfter == nil || !card.NotAfter.Equal(start.AddDate(5, 0, 0)) {
				t.Errorf("%+v", card)
			}
		}
		if got := w.cards.written["card-1"]; len(got["auth"]) == 0 || len(got["sign"]) == 0 || len(got["sign_authority"]) == 0 {
			t.Errorf("the card has %d certificates and authorities", len(got))
		}
		if d := cmp.Diff(w.issuer.told, []string{"issued card-1"}); d != "" {
			t.Error(d)
		}
		if _, ok, err := r.NextDue(t.Context()); ok || err != nil {
			t.Errorf("work is open: %v", err)
		}
	})
}

func TestAPersonUnder15HasNoSignatureCertificate(t *testing.T) {
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		cases := map[string]struct {
			birth string
			signs bool
		}{
			"14, the day before the birthday in Japan": {"2011-11-23", false},
			"15 today in Japan":                        {"2011-11-22", true},
		}
		for name, c := range cases {
			child := hanako()
			child.ID, child.Birth = "b"+c.birth, c.birth
			if _, err := r.Add(t.Context(), officer, child); err != nil {
				t.Fatal(err)
			}
			card, err := r.OrderCard(t.Context(), officer, child.ID, "card-"+child.ID)
			if err != nil || card.Signature != c.signs || w.issuer.issuances[card.ID].signed != c.signs || (len(w.cards.written[card.ID]["sign"]) > 0) != c.signs {
				t.Errorf("%s: %+v %v", name, card, err)
			}
		}
	})
}

func TestTheIssuerHearsOfWhatHappenedInOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		must(t, add(r, t, hanako()))
		// Before the first card nobody outside knows her: nothing to tell.
		first, err := r.Report(t.Context(), officer, "hanako", municipality.Report{ID: "e1", Kind: municipality.Moved, Address: "見本県手形市二丁目1番1号"})
		if err != nil || first.State != municipality.EventLocal {
			t.Errorf("%+v %v", first, err)
		}
		must(t, order(r, t, "hanako", "card-1"))
		if got := w.issuer.people["hanako"].Attributes.Address; got != "見本県手形市二丁目1番1号" {
			t.Errorf("the certificate says %q", got)
		}

		// The issuer is away: she moves and orders a new card; both wait.
		w.issuer.down = true
		moved := municipality.Report{ID: "e2", Kind: municipality.Moved, Municipality: "99002", Address: "見本県関所町字森2番地"}
		e, err := r.Report(t.Context(), officer, "hanako", moved)
		if err != nil || e.State != municipality.EventWaiting {
			t.Errorf("%+v %v", e, err)
		}
		if err := order(r, t, "hanako", "card-2"); !errors.Is(err, &problem.Problem{Code: "unreachable"}) {
			t.Errorf("a card without the issuer: %v", err)
		}
		shown, err := r.Show(t.Context(), "hanako")
		if err != nil || shown.Trouble != "unreachable" || shown.Cards[1].State != municipality.CardOrdered {
			t.Errorf("%+v %v", shown, err)
		}

		// It is back: the work goes on by itself when it is due.
		w.issuer.down = false
		must(t, w.clock.AdvanceThrough(t.Context(), time.Hour, r))
		if d := cmp.Diff(w.issuer.told, []string{"issued card-1", "moved", "issued card-2", "card-renewed card-2"}); d != "" {
			t.Error(d)
		}
		must(t, report(r, t, "hanako", municipality.Report{ID: "e3", Kind: municipality.CardLost}))
		must(t, report(r, t, "hanako", municipality.Report{ID: "e4", Kind: municipality.CardFound, Card: "card-2"}))
		must(t, report(r, t, "hanako", municipality.Report{ID: "e5", Kind: municipality.NameChanged, Name: "関所　花子", Kana: "セキショ　ハナコ"}))
		must(t, report(r, t, "hanako", municipality.Report{ID: "e6", Kind: municipality.Died}))
		if d := cmp.Diff(w.issuer.told[4:], []string{"card-lost card-2", "card-found card-2", "name-changed", "died"}); d != "" {
			t.Error(d)
		}
		if p := w.issuer.people["hanako"]; p.Attributes.Name != "関所　花子" || !p.died {
			t.Errorf("%+v", p)
		}
	})
}

func TestWhatTheDeskRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		must(t, add(r, t, hanako()))
		other := hanako()
		other.ID = "taro"
		must(t, add(r, t, other))
		must(t, order(r, t, "hanako", "card-1"))
		must(t, report(r, t, "hanako", municipality.Report{ID: "lost-1", Kind: municipality.CardLost}))
		must(t, add(r, t, hanako())) // the same again is nothing new
		changed := hanako()
		changed.Address = "見本県手形市九丁目"
		cases := map[string]struct {
			err  error
			want error
		}{
			"another entry under the id":           {add(r, t, changed), municipality.ErrResidentConflict},
			"a municipality that is not ours":      {add(r, t, with(func(r *municipality.Resident) { r.Municipality = "13101" })), municipality.ErrMunicipality},
			"a card for nobody":                    {order(r, t, "nobody", "card-9"), municipality.ErrUnknownResident},
			"somebody else's card":                 {order(r, t, "taro", "card-1"), municipality.ErrCardConflict},
			"a card with a path for an id":         {order(r, t, "taro", "../x"), municipality.ErrBadEvent},
			"an event of nobody":                   {report(r, t, "nobody", municipality.Report{ID: "x1", Kind: municipality.Died}), municipality.ErrUnknownResident},
			"a lost card of one without":           {report(r, t, "taro", municipality.Report{ID: "x2", Kind: municipality.CardLost}), municipality.ErrNoCard},
			"a card lost twice":                    {report(r, t, "hanako", municipality.Report{ID: "x3", Kind: municipality.CardLost}), municipality.ErrCardNotFitting},
			"another event under the id":           {report(r, t, "hanako", municipality.Report{ID: "lost-1", Kind: municipality.CardFound}), municipality.ErrEventConflict},
			"an event under another resident's id": {report(r, t, "taro", municipality.Report{ID: "lost-1", Kind: municipality.Died}), municipality.ErrEventConflict},
			"moving to nowhere":                    {report(r, t, "taro", municipality.Report{ID: "x4", Kind: municipality.Moved}), municipality.ErrBadEvent},
			"moving to another register":           {report(r, t, "taro", municipality.Report{ID: "x5", Kind: municipality.Moved, Address: "x", Municipality: "13101"}), municipality.ErrMunicipality},
			"dying with an address":                {report(r, t, "taro", municipality.Report{ID: "x6", Kind: municipality.Died, Address: "x"}), municipality.ErrBadEvent},
			"an event of no kind":                  {report(r, t, "taro", municipality.Report{ID: "x7", Kind: "born"}), municipality.ErrBadEvent},
			"our own kind of event":                {report(r, t, "taro", municipality.Report{ID: "x8", Kind: municipality.CardRenewed}), municipality.ErrBadEvent},
			"a name without characters":            {report(r, t, "taro", municipality.Report{ID: "x9", Kind: municipality.NameChanged, Name: "\u200b"}), municipality.ErrBadEvent},
		}
		for name, c := range cases {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: got %v, want %v", name, c.err, c.want)
			}
		}
		must(t, report(r, t, "taro", municipality.Report{ID: "end", Kind: municipality.Died}))
		if err := order(r, t, "taro", "card-2"); !errors.Is(err, municipality.ErrResidentDied) {
			t.Errorf("a card for the dead: %v", err)
		}
		if err := report(r, t, "taro", municipality.Report{ID: "end-2", Kind: municipality.Died}); !errors.Is(err, municipality.ErrResidentDied) {
			t.Errorf("dying twice: %v", err)
		}
	})
}

func TestWhatTheIssuerRefusesEndsTheOrderAndHoldsUpNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		must(t, add(r, t, hanako()))
		w.issuer.people["hanako"] = personAt{died: true} // the issuer knows better
		for range 2 {
			err := order(r, t, "hanako", "card-1")
			if p := problem.From(err); !errors.Is(err, municipality.ErrCardRefused) || p.Extra["reason"] != "person-not-registered" {
				t.Errorf("%v", err)
			}
		}
		if _, ok, _ := r.NextDue(t.Context()); ok {
			t.Error("a refused order is tried again")
		}
		delete(w.issuer.people, "hanako")
		must(t, order(r, t, "hanako", "card-2"))
	})
}

func TestAnUnknownCallerIsNoRefusal(t *testing.T) {
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		must(t, add(r, t, hanako()))
		must(t, w.clock.Advance(start.AddDate(1, 0, 1))) // our certificate has expired
		if err := order(r, t, "hanako", "card-1"); !errors.Is(err, errCaller) {
			t.Errorf("%v", err)
		}
		e, err := r.Show(t.Context(), "hanako")
		if err != nil || e.Cards[0].State != municipality.CardRequested || e.Trouble != "caller-unknown" {
			t.Errorf("the order did not stay open: %+v %v", e, err)
		}
	})
}

func TestCertificatesForAnotherKeyAreNotWritten(t *testing.T) {
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		must(t, add(r, t, hanako()))
		other := hanako()
		other.ID = "taro"
		must(t, add(r, t, other))
		must(t, order(r, t, "taro", "card-2"))
		w.issuer.cut = func(string) bool { // the issuer mixes up its answers
			w.issuer.issuances["card-1"].answer["certificates"] = w.issuer.issuances["card-2"].answer["certificates"]
			return false
		}
		if err := order(r, t, "hanako", "card-1"); !errors.Is(err, &problem.Problem{Code: "bad-answer"}) {
			t.Errorf("%v", err)
		}
		if w.cards.written["card-1"] != nil {
			t.Error("another's certificates were written into the card")
		}
	})
}

func TestWhatARegisterTakesForAName(t *testing.T) {
	cases := map[string]struct {
		change func(*municipality.Resident)
		field  string // "" = accepted
	}{
		"an ordinary entry": {func(*municipality.Resident) {}, ""},
		"a character outside JIS X 0213": {func(r *municipality.Resident) {
			r.Name, r.NameOriginal, r.NameSubstitution = "吉田　澪", "𠮷田　澪", "1000"
		}, ""},
		"a variant of a character": {func(r *municipality.Resident) {
			r.Name, r.NameOriginal, r.NameSubstitution = "葛城　隼人", "葛\U000E0100城　隼人", "10000"
		}, ""},
		"a foreign name with an alias": {func(r *municipality.Resident) {
			r.Name, r.Alias = "ＳＡＮＴＯＳ　ＭＡＲＩＡ", "山田　マリア"
		}, ""},
		"a substitution that the map leaves out": {func(r *municipality.Resident) {
			r.Name, r.NameOriginal, r.NameSubstitution = "吉田　澪", "𠮷田　澪", "0000"
		}, "name_substitution"},
		"a map of a substitution that is none": {func(r *municipality.Resident) {
			r.Name, r.NameOriginal, r.NameSubstitution = "吉田　澪", "𠮷田　澪", "1100"
		}, "name_substitution"},
		"a map without an original":               {func(r *municipality.Resident) { r.NameSubstitution = "10000" }, "name_substitution"},
		"a map of another length":                 {func(r *municipality.Resident) { r.NameOriginal, r.NameSubstitution = "手形　花子", "000" }, "name_substitution"},
		"an original that is longer":              {func(r *municipality.Resident) { r.NameOriginal, r.NameSubstitution = "手形　花子　二", "00000" }, "name_substitution"},
		"no name":                                 {func(r *municipality.Resident) { r.Name = "" }, "attributes"},
		"no kana":                                 {func(r *municipality.Resident) { r.Kana = "" }, "kana"},
		"kana in letters":                         {func(r *municipality.Resident) { r.Kana = "Hanako" }, "kana"},
		"a name with a line break":                {func(r *municipality.Resident) { r.Name = "手形\n花子" }, "name"},
		"a name that turns the writing direction": {func(r *municipality.Resident) { r.Name = "手形\u202e花子" }, "name"},
		"a birth date to come":                    {func(r *municipality.Resident) { r.Birth = "2026-11-23" }, "birth"},
		"a birth date that is no day":             {func(r *municipality.Resident) { r.Birth = "1980-02-30" }, "birth"},
		"a sex that has no number":                {func(r *municipality.Resident) { r.Sex = "0" }, "attributes"},
		"an id with a slash":                      {func(r *municipality.Resident) { r.ID = "a/b" }, "id"},
		"half a contact":                          {func(r *municipality.Resident) { r.Contact.Channel = "mailbox" }, "contact"},
		"dead on arrival":                         {func(r *municipality.Resident) { r.Died = true }, "died"},
	}
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		w := newWorld(t)
		r := w.open(db)
		n := 0
		for name, c := range cases {
			n++
			in := hanako()
			in.ID = "r" + string(rune('a'+n))
			c.change(&in)
			err := add(r, t, in)
			if c.field == "" {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if p := problem.From(err); p.Code != "bad-resident" || p.Extra["field"] != c.field {
				t.Errorf("%s: got %v %v, want field %s", name, err, p.Extra["field"], c.field)
			}
		}
	})
}

func with(change func(*municipality.Resident)) municipality.Resident {
	r := hanako()
	r.ID = "somebody"
	change(&r)
	return r
}

func add(r *municipality.Register, t *testing.T, in municipality.Resident) error {
	_, err := r.Add(t.Context(), officer, in)
	return err
}

func order(r *municipality.Register, t *testing.T, resident, card string) error {
	_, err := r.OrderCard(t.Context(), officer, resident, card)
	return err
}

func report(r *municipality.Register, t *testing.T, resident string, in municipality.Report) error {
	e, err := r.Report(t.Context(), officer, resident, in)
	if err == nil && e.State == municipality.EventRefused {
		t.Errorf("event %s was refused: %s", in.ID, e.Trouble)
	}
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
