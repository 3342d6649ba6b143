package oidc_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/store/storetest"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// opener is a client by whose documents accounts are opened, or not.
func (w *world) opener(t *testing.T, id string, opens bool) *broker {
	t.Helper()
	b := w.signer(t, func(c *oidc.Client) { c.ID, c.SignPurposes[0].OpensAccount = id, opens })
	b.id = id
	return b
}

// signsFor has a person sign a document of a client's.
func (b *broker) signsFor(name string) {
	b.w.t.Helper()
	b.signedBy(name, b.pushSign(b.bring(brought())))
}

// A person signs three applications in seven days, wherever: the fourth is refused. The
// person hears why and what to do, the party that it is refused and no more.
func TestAccountOpeningsAreLimitedOverAllParties(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bank, loans, mobile, club := w.opener(t, "a-bank", true), w.opener(t, "a-lender", true), w.opener(t, "a-carrier", true), w.opener(t, "a-club", false)
		bank.signsFor("hanako")
		w.advance(time.Hour)
		loans.signsFor("hanako")
		for range 4 {
			club.signsFor("hanako") // opens nothing
		}
		loans.signsFor("hanako")

		document := mobile.bring(brought())
		for _, with := range []string{"this", "other"} {
			v := w.browser()
			told, p := mobile.signTry(v, mobile.pushSign(document), with, "hanako")
			if told.Code != "many-account-openings" || !strings.Contains(told.JA.Detail, "7日に3件まで") || !strings.Contains(told.JA.Detail, "#9110") {
				t.Errorf("%s: the phone is told %v", with, told)
			}
			if !strings.Contains(p.text, "not-now") || strings.Contains(p.text, "many-account-openings") || strings.Contains(p.text, "3件") {
				t.Errorf("%s: the screen says %s", with, p.text)
			}
			if !strings.Contains(p.text, `<button class="btn btn-main">サービスに戻る</button>`) || strings.Contains(p.text, "もう一度ためす") || strings.Contains(p.text, "断ってサービスに戻る") {
				t.Errorf("%s: the screen offers %s", with, p.text)
			}
			if q := v.goesBack(p); q.Get("error") != "access_denied" || q.Has("error_description") {
				t.Errorf("%s: the party is told %v", with, q)
			}
		}
		mobile.signsFor("taro")
		club.signsFor("hanako")

		// What is counted names nobody and no party, and a verdict that failed counts nothing.
		err := w.db.Read(t.Context(), func(tx store.Tx) error {
			var rows, people int
			if err := tx.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT person) FROM account_opening").Scan(&rows, &people); err != nil {
				return err
			}
			var one []byte
			err := tx.QueryRow(t.Context(), "SELECT person FROM account_opening ORDER BY until_ms LIMIT 1").Scan(&one)
			if rows != 4 || people != 2 || len(one) != 32 {
				t.Errorf("%d rows of %d people, by %x", rows, people, one)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		w.advance(gateway.OpeningsWithin - time.Hour + time.Second) // the first counts no more
		mobile.signsFor("hanako")
		if told, _ := mobile.signTry(w.browser(), mobile.pushSign(mobile.bring(brought())), "this", "hanako"); told.Code != "many-account-openings" {
			t.Errorf("and another one at once: %v", told)
		}
		if err := w.store.Sweep(t.Context(), w.Now().Add(gateway.OpeningsWithin)); err != nil {
			t.Fatal(err)
		}
		err = w.db.Read(t.Context(), func(tx store.Tx) error {
			var rows int
			err := tx.QueryRow(t.Context(), "SELECT count(*) FROM account_opening").Scan(&rows)
			if rows != 0 {
				t.Errorf("%d rows that count no more are kept", rows)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Which purposes open an account is the operator's word, and stays through a developer's
// changes; a login opens none.
func TestOpeningAnAccountIsTheOperatorsWord(t *testing.T) {
	w := openWorld(t, storetest.SQLite(t), false)
	d := w.applicant()
	signing := applied(url.Values{"profile": {"fapi2"}, "jwks": {pkitestKeySet(t)}, "sign_code_1": {"order"}, "sign_ja_1": {"注文書に署名します。"}, "sign_en_1": {"Sign an order."},
		"sign_code_2": {"account"}, "sign_ja_2": {"口座の申込書に署名します。"}, "sign_en_2": {"Apply for an account."}, "opens_account_1": {"true"}})
	opening := func() (codes string) {
		r := w.registration(d.id)
		for _, p := range r.Purposes {
			if p.OpensAccount {
				codes += p.Code + " "
			}
		}
		return codes
	}
	send := func() {
		t.Helper()
		if p := d.b.post("/developers/change", d.form(signing)); p.status != 200 {
			t.Fatalf("%d: %s", p.status, p.text)
		}
	}
	send()
	approve := func(codes ...string) error {
		return w.provider.ApproveClient(t.Context(), clerk, d.id, oidc.Approval{Seen: d.seen(), Why: "ok", Opens: codes})
	}
	if err := approve("login"); !errors.Is(err, oidc.ErrClient) {
		t.Errorf("the purpose of logins: %v", err)
	}
	if err := approve("account"); err != nil || opening() != "account " {
		t.Fatalf("%v; %q", err, opening())
	}
	signing["name_ja"] = []string{"若葉書店"}
	send()
	if err := approve(); err != nil || opening() != "account " {
		t.Errorf("after a change: %v; %q", err, opening())
	}
	login := ceremony.RegisteredPurpose{Code: "x", Sentence: ceremony.Text{JA: "入ります。", EN: "Enter."}, RiskFloor: ceremony.R2, OpensAccount: true}
	if err := w.gateway.Register(t.Context(), clerk, gateway.Party{ID: "x", Name: ceremony.Text{JA: "x", EN: "x"}, Mark: "x", Through: "openid", Purposes: []ceremony.RegisteredPurpose{login}}); err == nil {
		t.Error("a login opens an account")
	}
	login.OpensAccount = false
	if err := w.gateway.Register(t.Context(), clerk, gateway.Party{ID: "x", Name: ceremony.Text{JA: "x", EN: "x"}, Mark: "x", Through: "openid", Purposes: []ceremony.RegisteredPurpose{login}}); err != nil {
		t.Error(err)
	}
}
