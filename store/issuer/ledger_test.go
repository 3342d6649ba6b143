package issuer_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
	"tegata/store/storetest"
)

func TestSequenceNumbersHaveNoGapsWhenManyWrite(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		i := issuertest.NewOn(t, db)
		const writers, changes = 4, 6
		var serials []pki.Serial
		for n := range writers {
			serials = append(serials, pki.SerialOf(i.Issue(t, pki.PhoneAuth, n, "")))
		}
		before, _ := i.Ledger.Changed()
		var all sync.WaitGroup
		for n := range writers {
			all.Go(func() {
				for range changes / 2 {
					for _, op := range []status.Op{status.Open, status.Lift} {
						err := i.Ledger.Apply(t.Context(), issuertest.Who, status.Change{Kind: pki.PhoneAuth, Serial: serials[n], Op: op, Cause: status.Lost})
						if err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		all.Wait()
		list, err := i.Store.StatusChanges(t.Context(), before, 1000)
		if err != nil || len(list) != writers*changes {
			t.Fatalf("%d changes, %v", len(list), err)
		}
		for n, r := range list {
			if r.Seq != before+int64(n)+1 {
				t.Errorf("change %d has number %d", n+1, r.Seq)
			}
		}
		if seq, _ := i.Ledger.Changed(); seq != before+writers*changes {
			t.Errorf("the ledger is at %d", seq)
		}
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestADraftsRowIsNobodysCertificate(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		s := issuer.New(db)
		at := issuertest.Start
		r := ca.Record{Serial: pki.RandomSerial(), Kind: pki.PhoneSign, Generation: 1, Purpose: profile.Holder, Partition: "131016",
			Holder: "holder", Ref: "ref", NotBefore: at, NotAfter: at.AddDate(5, 0, 0), TBS: []byte{1}, PreparedAt: at}
		if stands, err := s.RecordDrafts(t.Context(), issuertest.Who, r); err != nil || stands[0].Serial != r.Serial {
			t.Fatal(stands, err)
		}
		same := r
		same.Serial = pki.RandomSerial()
		if stands, err := s.RecordDrafts(t.Context(), issuertest.Who, same); err != nil || stands[0].Serial != r.Serial || stands[0].DER != nil || len(stands[0].TBS) != 1 {
			t.Errorf("the same reference again: %+v, %v", stands, err)
		}
		reused := r
		reused.Ref = "another"
		if _, err := s.RecordDrafts(t.Context(), issuertest.Who, reused); !errors.Is(err, ca.ErrSerialUsed) {
			t.Errorf("the same serial number again: %v", err)
		}
		another := ca.Record{Serial: pki.RandomSerial(), Kind: pki.Ops, Partition: profile.OnePartition, Ref: "another", PreparedAt: at, TBS: []byte{1}}
		beside := ca.Record{Serial: pki.RandomSerial(), Kind: pki.Ops, Ref: "beside", PreparedAt: at, TBS: []byte{1}}
		if _, err := s.RecordDrafts(t.Context(), issuertest.Who, beside, reused); !errors.Is(err, ca.ErrSerialUsed) {
			t.Errorf("one of two with a serial number that was used: %v", err)
		}
		if _, err := s.FindRecord(t.Context(), beside.Serial); !errors.Is(err, ca.ErrNotRecorded) {
			t.Errorf("a draft was recorded without the one beside it: %v", err)
		}
		if stands, err := s.RecordDrafts(t.Context(), issuertest.Who, another, same); err != nil || stands[0].Serial != another.Serial || stands[1].Serial != r.Serial {
			t.Errorf("a refused draft kept its reference: %v, %v", stands, err)
		}
		if _, err := s.StatusEntry(t.Context(), pki.PhoneSign, r.Serial); !errors.Is(err, status.ErrUnknown) {
			t.Errorf("a draft has a state: %v", err)
		}
		if err := s.ApplyChanges(t.Context(), issuertest.Who, status.Change{Kind: pki.PhoneSign, Serial: r.Serial, Op: status.Revoke, At: at}); !errors.Is(err, status.ErrUnknown) {
			t.Errorf("a draft was revoked: %v", err)
		}
		if _, ok, err := s.ChangedSeq(t.Context(), status.Scope{Kind: pki.PhoneSign, Generation: 1, Partition: "131016"}); ok || err != nil {
			t.Errorf("a draft made a partition: %v", err)
		}
		if _, err := status.OpenLedger(t.Context(), s, func() time.Time { return at }); err != nil {
			t.Fatal(err)
		}
		if err := s.EnterCertificates(t.Context(), issuertest.Who, status.Issued{Serial: r.Serial, DER: []byte{2}, Hold: status.Unregistered}); err != nil {
			t.Fatal(err)
		}
		if err := s.EnterCertificates(t.Context(), issuertest.Who, status.Issued{Serial: another.Serial, DER: []byte{3}}, status.Issued{Serial: r.Serial, DER: []byte{3}}); !errors.Is(err, status.ErrEntered) {
			t.Errorf("it was entered twice: %v", err)
		}
		if _, err := s.StatusEntry(t.Context(), pki.Ops, another.Serial); !errors.Is(err, status.ErrUnknown) {
			t.Errorf("a certificate was entered without the one beside it: %v", err)
		}
		if err := s.EnterCertificates(t.Context(), issuertest.Who, status.Issued{Serial: pki.RandomSerial(), DER: []byte{3}}); !errors.Is(err, status.ErrUnknown) {
			t.Errorf("what was never recorded was entered: %v", err)
		}
		got, err := s.FindRecord(t.Context(), r.Serial)
		if err != nil || len(got.DER) != 1 || got.DER[0] != 2 || got.TBS != nil {
			t.Errorf("the record is %+v, %v", got, err)
		}
		e, err := s.StatusEntry(t.Context(), pki.PhoneSign, r.Serial)
		if err != nil || e.Status != status.Held || len(e.Holds) != 1 || e.Holds[0].Cause != status.Unregistered || !e.NotAfter.Equal(r.NotAfter) {
			t.Errorf("the state is %+v, %v", e, err)
		}
	})
}

func TestACRLIsKeptOnlyAfterTheOneBefore(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		s := issuer.New(db)
		scope := status.Scope{Kind: pki.PhoneSign, Generation: 1, Partition: "131016"}
		keep := func(number int64) bool {
			kept, err := s.KeepCRL(t.Context(), issuertest.Who, scope, status.CRL{Number: number, ThisUpdate: issuertest.Start, NextUpdate: issuertest.Start, DER: []byte{byte(number)}})
			if err != nil {
				t.Fatal(err)
			}
			return kept
		}
		for n, c := range []struct {
			number int64
			want   bool
		}{{1, true}, {1, false}, {3, false}, {2, true}, {1, false}, {3, true}} {
			if got := keep(c.number); got != c.want {
				t.Errorf("step %d: number %d was kept: %t", n+1, c.number, got)
			}
		}
		last, ok, err := s.LatestCRL(t.Context(), scope)
		if err != nil || !ok || last.Number != 3 || last.DER[0] != 3 {
			t.Errorf("the last is %+v, %v", last, err)
		}
	})
}

func TestASnapshotIsEachCertificateOnce(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		i := issuertest.NewOn(t, db)
		serial := pki.SerialOf(i.Issue(t, pki.PhoneAuth, 0, ""))
		i.Issue(t, pki.PhoneSign, 1, "")
		i.Clock.Walk(time.Hour)
		i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: serial, Op: status.Open, Cause: status.Lost})
		i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: serial, Op: status.Revoke, Reason: status.CessationOfOperation})
		seen := map[pki.Serial]status.Recorded{}
		var after, head int64
		for {
			var list []status.Recorded
			var err error
			if head, list, err = i.Store.StatusSnapshot(t.Context(), after, i.Clock.Now(), 2); err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				if _, twice := seen[r.Serial]; twice || r.Seq <= after {
					t.Errorf("%s stands twice or out of order", r.Serial)
				}
				seen[r.Serial], after = r, r.Seq
			}
			if len(list) < 2 {
				break
			}
		}
		if len(seen) != len(pki.Kinds())+2 || seen[serial].Seq != head || seen[serial].Status != status.Revoked {
			t.Errorf("%d certificates, head %d, %+v", len(seen), head, seen[serial])
		}
		if _, list, err := i.Store.StatusSnapshot(t.Context(), 0, i.Clock.Now().AddDate(5, 0, 0), 100); err != nil || len(list) != len(pki.Kinds()) {
			t.Errorf("years later there are %d, %v", len(list), err)
		}
	})
}
