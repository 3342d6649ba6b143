package phone_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/store"
	phonestore "tegata/store/phone"
	"tegata/store/storetest"
)

var at = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestPhonesAreKept(t *testing.T) {
	storetest.Each(t, phonestore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := phonestore.New(db), t.Context()
		r := phone.Record{ID: "a", Name: "花子のスマホ", Model: "t1", Reader: "127.0.0.1:1", Power: true, MadeAt: at}
		if err := s.AddPhone(ctx, r); err != nil {
			t.Fatal(err)
		}
		if err := s.AddPhone(ctx, r); !errors.Is(err, phone.ErrExists) {
			t.Errorf("a second time: %v", err)
		}
		r.Power = false
		if err := s.PutPhone(ctx, r); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Phone(ctx, "a"); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := s.Phone(ctx, "b"); !errors.Is(err, phone.ErrNotFound) {
			t.Errorf("no phone: %v", err)
		}
		if err := s.PutPhone(ctx, phone.Record{ID: "b"}); !errors.Is(err, phone.ErrNotFound) {
			t.Errorf("no phone: %v", err)
		}
	})
}

func TestStepsAreTakenOnce(t *testing.T) {
	storetest.Each(t, phonestore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := phonestore.New(db), t.Context()
		first := phone.Enrolment{ID: "e1", Phone: "a", Step: phone.StepDrafted, BegunAt: at}
		kept, err := s.PutEnrolment(ctx, at, first)
		if err != nil || kept.Version != 1 {
			t.Fatalf("version %d, %v", kept.Version, err)
		}
		if _, err := s.PutEnrolment(ctx, at, first); !errors.Is(err, phone.ErrMoved) {
			t.Errorf("the same new one again: %v", err)
		}
		signed := kept
		signed.Step, signed.Application = phone.StepSigned, []byte{1, 2}
		if signed, err = s.PutEnrolment(ctx, at, signed); err != nil || signed.Version != 2 {
			t.Fatalf("version %d, %v", signed.Version, err)
		}
		if _, err := s.PutEnrolment(ctx, at, kept); !errors.Is(err, phone.ErrMoved) {
			t.Errorf("from an old version: %v", err)
		}
		if _, err := s.PutEnrolment(ctx, at, phone.Enrolment{ID: "e2", Phone: "a", Step: phone.StepDrafted, BegunAt: at.Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
		all, err := s.Enrolments(ctx, "a")
		if err != nil || len(all) != 2 || all[0].ID != "e2" || !reflect.DeepEqual(all[1], signed) {
			t.Errorf("got %+v, %v", all, err)
		}
		if err := s.Wipe(ctx, at, "a"); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Enrolments(ctx, "a"); err != nil || len(all) != 0 {
			t.Errorf("after a reset: %+v, %v", all, err)
		}
	})
}

// What the authority was not told outlives whatever is forgotten.
func TestOrdersOutliveAReset(t *testing.T) {
	storetest.Each(t, phonestore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := phonestore.New(db), t.Context()
		at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
		first := phone.Order{ID: "e1", Phone: "a", Message: "x.y.z", At: at, Next: at}
		later := first
		later.Next = at.Add(time.Hour)
		other := phone.Order{ID: "e1", Phone: "b", Message: "u.v.w", At: at, Next: at}
		for _, o := range []phone.Order{first, other, later} {
			if err := s.PutOrder(ctx, at, o); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Wipe(ctx, at, "a"); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Orders(ctx, "a"); err != nil || !reflect.DeepEqual(all, []phone.Order{later}) {
			t.Errorf("got %+v, %v", all, err)
		}
		for range 2 { // dropped again it is no error
			if err := s.DropOrder(ctx, at, "a", "e1"); err != nil {
				t.Fatal(err)
			}
		}
		if all, err := s.Orders(ctx, "a"); err != nil || len(all) != 0 {
			t.Errorf("dropped: %+v, %v", all, err)
		}
		if all, err := s.Orders(ctx, "b"); err != nil || len(all) != 1 {
			t.Errorf("another phone's: %+v, %v", all, err)
		}
	})
}

func TestHistoryAndRequests(t *testing.T) {
	storetest.Each(t, phonestore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := phonestore.New(db), t.Context()
		for i, result := range []string{phone.ResultPending, phone.ResultApproved} {
			if err := s.PutUse(ctx, "a", phone.Use{ID: "u1", At: at.Add(time.Duration(i) * time.Second), Kind: "login", Result: result}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.PutUse(ctx, "a", phone.Use{ID: "u2", At: at, Kind: "login", Result: phone.ResultRefused}); err != nil {
			t.Fatal(err)
		}
		if uses, err := s.Uses(ctx, "a", 10); err != nil || len(uses) != 2 || uses[1].Result != phone.ResultApproved {
			t.Errorf("got %+v, %v", uses, err)
		}
		if uses, err := s.Uses(ctx, "a", 1); err != nil || len(uses) != 1 {
			t.Errorf("got %+v, %v", uses, err)
		}
		a := phone.Asking{ID: "r1", Phone: "a", Link: "https://verifier.example/r/x", At: at, Until: at.Add(time.Minute)}
		if err := s.PutAsk(ctx, a); err != nil {
			t.Fatal(err)
		}
		a.Sealed = "jwe"
		if err := s.PutAsk(ctx, a); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Asks(ctx, "a"); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], a) {
			t.Errorf("got %+v, %v", all, err)
		}
		for range 2 {
			if err := s.DropAsk(ctx, "a", "r1"); err != nil {
				t.Error(err)
			}
		}
		if all, err := s.Asks(ctx, "a"); err != nil || len(all) != 0 {
			t.Errorf("got %+v, %v", all, err)
		}
	})
}

func TestCopiesOfWhatWasSigned(t *testing.T) {
	storetest.Each(t, phonestore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := phonestore.New(db), t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		copied := func(of, id string, at time.Time) phone.Copy {
			return phone.Copy{ID: id, Phone: of, At: at, Size: 7, About: []byte{0, 1}, Document: []byte{2, 0}, Signature: []byte{3, 0xff}}
		}
		must(s.PutAsk(ctx, phone.Asking{ID: "r1", Phone: "a", At: at, Until: at}))
		first := copied("a", "r1-01", at)
		for range 2 { // the same again is kept once
			must(s.CloseAsk(ctx, at, "a", "r1", []phone.Copy{first, copied("a", "r1-02", at)}))
		}
		if asks, err := s.Asks(ctx, "a"); err != nil || len(asks) != 0 {
			t.Errorf("the request is still there: %+v, %v", asks, err)
		}
		must(s.CloseAsk(ctx, at, "a", "r2", []phone.Copy{copied("a", "r2-01", at.Add(time.Second))}))
		must(s.CloseAsk(ctx, at, "b", "r1", []phone.Copy{copied("b", "r1-01", at)}))
		must(s.CloseAsk(ctx, at, "a", "r3", nil))
		ids := func() (ids []string) {
			t.Helper()
			all, err := s.Copies(ctx, "a")
			must(err)
			for _, c := range all {
				ids = append(ids, c.ID)
				if c.Document != nil || c.Signature != nil || c.Size != 7 || len(c.About) != 2 {
					t.Errorf("listed %+v", c)
				}
			}
			return ids
		}
		if got := ids(); !reflect.DeepEqual(got, []string{"r2-01", "r1-01", "r1-02"}) {
			t.Errorf("got %v", got)
		}
		if got, err := s.Copy(ctx, "a", "r1-01"); err != nil || !reflect.DeepEqual(got, first) {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := s.Copy(ctx, "b", "r2-01"); !errors.Is(err, phone.ErrNotFound) {
			t.Errorf("another phone's: %v", err)
		}
		must(s.DropCopies(ctx, at, "a")) // none is none
		must(s.DropCopies(ctx, at, "a", "r1-02", "r9-01"))
		if got := ids(); !reflect.DeepEqual(got, []string{"r2-01", "r1-01"}) {
			t.Errorf("after one went: %v", got)
		}
		must(s.DropAllCopies(ctx, at, "a"))
		if got := ids(); len(got) != 0 {
			t.Errorf("after all went: %v", got)
		}
		must(s.CloseAsk(ctx, at, "a", "r1", []phone.Copy{first}))
		must(s.Wipe(ctx, at, "a"))
		if got := ids(); len(got) != 0 {
			t.Errorf("after a reset: %v", got)
		}
		if _, err := s.Copy(ctx, "b", "r1-01"); err != nil {
			t.Errorf("the other phone's went too: %v", err)
		}
	})
}
