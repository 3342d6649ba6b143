package issuer_test

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// fillAll gives every field of a record a value of its own, so that two columns
// in the wrong order cannot go unnoticed.
func fillAll(v reflect.Value) {
	var b [8]byte
	rand.Read(b[:])
	n := binary.BigEndian.Uint64(b[:]) >> 34 // fits every integer column and 32-bit counters
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.UnixMilli(int64(n)).UTC()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fillAll(v.Field(i))
		}
	case v.Kind() == reflect.String:
		v.SetString(rand.Text())
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(n))
	case v.Kind() == reflect.Uint8:
		v.SetUint(uint64(b[7]))
	case v.CanUint():
		v.SetUint(n)
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			fillAll(v.Index(i))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		fresh := make([]byte, 20)
		rand.Read(fresh)
		v.SetBytes(fresh)
	}
}

func full[T any](change ...func(*T)) T {
	var v T
	fillAll(reflect.ValueOf(&v).Elem())
	for _, f := range change {
		f(&v)
	}
	return v
}

func each(t *testing.T, body func(t *testing.T, s *issuer.Store)) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) { body(t, issuer.New(db)) })
}

func write(t *testing.T, s *issuer.Store, f func(tx ra.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func comesBack[T any](t *testing.T, s *issuer.Store, put T, write func(ra.Tx, T) error, read func(ra.Tx) (T, error)) {
	t.Helper()
	if err := s.Write(t.Context(), func(tx ra.Tx) error { return write(tx, put) }); err != nil {
		t.Fatal(err)
	}
	var got T
	if err := s.Read(t.Context(), func(tx ra.Tx) (err error) { got, err = read(tx); return err }); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, put) {
		t.Errorf("put %+v\ngot %+v", put, got)
	}
}

func TestRecordsOfTheRegistrationAuthorityComeBackWhole(t *testing.T) {
	each(t, func(t *testing.T, s *issuer.Store) {
		ctx := t.Context()
		for range 2 { // the second one replaces the first
			comesBack(t, s, full(func(p *ra.PersonRecord) { p.ID = "p" }),
				func(tx ra.Tx, p ra.PersonRecord) error { return tx.PutPerson(ctx, p) },
				func(tx ra.Tx) (ra.PersonRecord, error) { return tx.Person(ctx, "p") })
			comesBack(t, s, full(func(c *ra.CardRecord) { c.ID, c.Person = "c", "p" }),
				func(tx ra.Tx, c ra.CardRecord) error { return tx.PutCard(ctx, c) },
				func(tx ra.Tx) (ra.CardRecord, error) { return tx.Card(ctx, "c") })
			comesBack(t, s, full(func(c *ra.CardSignature) { c.ID = "s" }),
				func(tx ra.Tx, c ra.CardSignature) error { return tx.PutCardSignature(ctx, c) },
				func(tx ra.Tx) (ra.CardSignature, error) { return tx.CardSignature(ctx, "s") })
			comesBack(t, s, full(func(e *ra.EnrolmentRecord) { e.ID, e.State = "e", ra.StateRegistered }),
				func(tx ra.Tx, e ra.EnrolmentRecord) error { return tx.PutEnrolment(ctx, e) },
				func(tx ra.Tx) (ra.EnrolmentRecord, error) { return tx.Enrolment(ctx, "e") })
			comesBack(t, s, full(func(e *ra.EventRecord) { e.ID = "v" }),
				func(tx ra.Tx, e ra.EventRecord) error { return tx.PutEvent(ctx, e) },
				func(tx ra.Tx) (ra.EventRecord, error) { return tx.Event(ctx, "v") })
		}
		comesBack(t, s, []byte("cms"), func(tx ra.Tx, b []byte) error { return tx.KeepApplication(ctx, "e", b) },
			func(tx ra.Tx) ([]byte, error) { return tx.Application(ctx, "e") })
		q := ra.Query{At: time.UnixMilli(5).UTC(), Verifier: "v", What: "attributes", Claims: []string{"name", "address"}, Refused: "x"}
		comesBack(t, s, []ra.Query{q}, func(tx ra.Tx, l []ra.Query) error { return tx.PutQuery(ctx, "p", "q", l[0]) },
			func(tx ra.Tx) ([]ra.Query, error) { return tx.QueriesOf(ctx, "p", 10) })
		agents := q
		agents.At, agents.Agent = q.At.Add(-time.Millisecond), "A-01"
		comesBack(t, s, []ra.Query{q, agents}, func(tx ra.Tx, l []ra.Query) error { return tx.PutQuery(ctx, "p", "older", l[1]) },
			func(tx ra.Tx) ([]ra.Query, error) { return tx.QueriesOf(ctx, "p", 1) }) // an agent's is not pushed out
		n := ra.Notice{ID: "n", At: time.UnixMilli(7).UTC(), To: ra.Contact{Channel: "mailbox", Address: "a"}, Kind: ra.NoticeApplied,
			JA: ra.NoticeText{Title: "あ", Body: "い"}, EN: ra.NoticeText{Title: "a", Body: "b"}}
		comesBack(t, s, []ra.Notice{n}, func(tx ra.Tx, l []ra.Notice) error { return tx.PutNotice(ctx, "p", l[0]) },
			func(tx ra.Tx) ([]ra.Notice, error) { return tx.Notices(ctx, "", 10) })
		err := s.Read(ctx, func(tx ra.Tx) error {
			for _, err := range []error{
				second(tx.Person(ctx, "x")), second(tx.Card(ctx, "x")), second(tx.CardSignature(ctx, "x")), second(tx.Enrolment(ctx, "x")), second(tx.Event(ctx, "x")),
				second(tx.Application(ctx, "x")), second(tx.EnrolmentByReceipt(ctx, "")), second(tx.CheckIn(ctx, "x", [32]byte{})),
				second(tx.PersonOfPairwise(ctx, "x", "x")), second(tx.Certificate(ctx, pki.CardAuth, pki.Serial{})),
			} {
				if !errors.Is(err, ra.ErrNotFound) {
					t.Errorf("nothing there: %v", err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSearchesFindWhatTheyAreFor(t *testing.T) {
	each(t, func(t *testing.T, s *issuer.Store) {
		ctx := t.Context()
		at := time.UnixMilli(1_000_000).UTC()
		element := [16]byte{7}
		write(t, s, func(tx ra.Tx) error {
			for id, change := range map[string]func(*ra.EnrolmentRecord){
				"registered": func(e *ra.EnrolmentRecord) { e.State, e.Due = ra.StateRegistered, at.Add(time.Hour) },
				"issued":     func(e *ra.EnrolmentRecord) { e.State, e.Due = ra.StateIssued, at },
				"applied": func(e *ra.EnrolmentRecord) {
					e.State, e.Due, e.Element, e.BirthDate = ra.StateApplied, at.Add(-time.Second), [16]byte{8}, "1999-01-01"
				},
				"ended": func(e *ra.EnrolmentRecord) { e.State, e.Due, e.Receipt = ra.StateEnded, time.Time{}, "r" },
			} {
				e := full(func(e *ra.EnrolmentRecord) { e.ID, e.Element, e.BirthDate, e.Receipt = id, element, "1980-02-17", "" }, change)
				if err := tx.PutEnrolment(ctx, e); err != nil {
					return err
				}
			}
			for _, r := range []ra.ReportRecord{{ID: "long ago", Person: "p", Party: "portal", At: at.Add(-time.Hour)}, {ID: "one", Person: "p", Party: "portal", At: at}} {
				if err := tx.PutReport(ctx, r, r.At); err != nil {
					return err
				}
			}
			for id, from := range map[string]time.Time{"first": at.Add(-time.Second), "second": at, "later": at.Add(time.Millisecond), "never": {}} {
				if err := tx.PutPerson(ctx, full(func(p *ra.PersonRecord) { p.ID, p.ContactFrom = id, from })); err != nil {
					return err
				}
			}
			return nil
		})
		ids := func(list []ra.EnrolmentRecord) (out []string) {
			for _, e := range list {
				out = append(out, e.ID)
			}
			return out
		}
		err := s.Read(ctx, func(tx ra.Tx) error {
			if got, err := tx.EnrolmentsDue(ctx, at, 10); err != nil || !reflect.DeepEqual(got, []string{"applied", "issued"}) {
				t.Errorf("due %v, %v", got, err)
			}
			if due, ok, err := tx.NextDue(ctx); err != nil || !ok || !due.Equal(at.Add(-time.Second)) {
				t.Errorf("next due %v %v, %v", due, ok, err)
			}
			if got, err := tx.RegisteredBornOn(ctx, "1980-02-17"); err != nil || !reflect.DeepEqual(ids(got), []string{"registered"}) {
				t.Errorf("born on that day %v, %v", ids(got), err)
			}
			if got, err := tx.EnrolmentsOnElement(ctx, element); err != nil || len(got) != 2 {
				t.Errorf("on the element %v, %v", ids(got), err)
			}
			if got, err := tx.ContactsDue(ctx, at, 10); err != nil || !reflect.DeepEqual(got, []string{"first", "second"}) {
				t.Errorf("addresses due %v, %v", got, err)
			}
			if got, err := tx.ContactsDue(ctx, at, 1); err != nil || !reflect.DeepEqual(got, []string{"first"}) {
				t.Errorf("one address due %v, %v", got, err)
			}
			if next, ok, err := tx.NextContact(ctx); err != nil || !ok || !next.Equal(at.Add(-time.Second)) {
				t.Errorf("next address %v %v, %v", next, ok, err)
			}
			if _, err := tx.Report(ctx, "long ago"); !errors.Is(err, ra.ErrNotFound) {
				t.Errorf("a report that is forgotten: %v", err)
			}
			if got, err := tx.Report(ctx, "one"); err != nil || got != (ra.ReportRecord{ID: "one", Person: "p", Party: "portal", At: at}) {
				t.Errorf("a report %+v, %v", got, err)
			}
			if got, err := tx.EnrolmentByReceipt(ctx, "r"); err != nil || got.ID != "ended" {
				t.Errorf("by receipt %v, %v", got.ID, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestOwnersTriesAndAssertions(t *testing.T) {
	each(t, func(t *testing.T, s *issuer.Store) {
		ctx := t.Context()
		at := time.UnixMilli(1_000_000).UTC()
		write(t, s, func(tx ra.Tx) error {
			for i, want := range []string{"", "a", "a"} {
				subject := []string{"a", "b", "a"}[i]
				if got, err := tx.TakeKey(ctx, [32]byte{1}, subject); err != nil || got != want {
					t.Errorf("key for %s: %q, %v; want %q", subject, got, err, want)
				}
				if got, err := tx.TakeNonce(ctx, "n", subject, at); err != nil || got != want {
					t.Errorf("nonce for %s: %q, %v; want %q", subject, got, err, want)
				}
			}
			for i, want := range []bool{true, false} {
				if got, err := tx.TakeAssertion(ctx, "p", "j", at.Add(time.Minute), at); err != nil || got != want {
					t.Errorf("assertion, time %d: %v, %v", i+1, got, err)
				}
			}
			if got, err := tx.TakeAssertion(ctx, "p", "k", at.Add(2*time.Hour), at.Add(time.Hour)); err != nil || !got {
				t.Errorf("another assertion: %v, %v", got, err)
			}
			for i := range 3 {
				if err := tx.PutTry(ctx, [32]byte{2}, string(rune('a'+i)), at.Add(time.Duration(i)*time.Minute)); err != nil {
					return err
				}
			}
			if n, oldest, err := tx.Tries(ctx, [32]byte{2}, at.Add(-time.Hour)); err != nil || n != 3 || !oldest.Equal(at) {
				t.Errorf("%d tries since %v, %v", n, oldest, err)
			}
			if err := tx.DropTry(ctx, [32]byte{2}, "b"); err != nil {
				return err
			}
			if err := tx.DropTries(ctx, at); err != nil {
				return err
			}
			if n, _, err := tx.Tries(ctx, [32]byte{2}, at.Add(-time.Hour)); err != nil || n != 1 {
				t.Errorf("%d tries are left, %v", n, err)
			}
			return nil
		})
	})
}

// A subject's certificate shows its DER as soon as the authority recorded it,
// and is found by serial number, person and subject.
func TestCertificatesOfASubject(t *testing.T) {
	each(t, func(t *testing.T, s *issuer.Store) {
		ctx := t.Context()
		at := time.UnixMilli(1_000_000).UTC()
		who := audit.System("issuer")
		serial := pki.RandomSerial()
		_, err := s.RecordDrafts(ctx, who, ca.Record{Serial: serial, Kind: pki.PhoneAuth, Generation: 1, Purpose: "holder", Partition: "40",
			Holder: "h", NotBefore: at, NotAfter: at.Add(time.Hour), TBS: []byte("tbs"), PreparedAt: at})
		if err != nil {
			t.Fatal(err)
		}
		write(t, s, func(tx ra.Tx) error {
			return tx.PutCertificate(ctx, ra.CertificateRecord{Kind: pki.PhoneAuth, Serial: serial, Person: "p", Subject: "e", Phone: true, PreparedAt: at})
		})
		look := func(want []byte) {
			t.Helper()
			err := s.Read(ctx, func(tx ra.Tx) error {
				one, err := tx.Certificate(ctx, pki.PhoneAuth, serial)
				if err != nil || string(one.DER) != string(want) || !one.Phone || !one.NotAfter.Equal(at.Add(time.Hour)) {
					t.Errorf("by serial number %+v, %v", one, err)
				}
				if got, err := tx.CertificatesOf(ctx, "p"); err != nil || len(got) != 1 || got[0].Serial != serial {
					t.Errorf("by person %+v, %v", got, err)
				}
				if got, err := tx.CertificatesFor(ctx, "e"); err != nil || len(got) != 1 || got[0].Serial != serial {
					t.Errorf("by subject %+v, %v", got, err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		look(nil)
		if err := s.EnterCertificates(ctx, who, status.Issued{Serial: serial, DER: []byte("der")}); err != nil {
			t.Fatal(err)
		}
		look([]byte("der"))
	})
}
