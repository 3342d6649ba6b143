package phone_test

import (
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// The register says that the holder moved: the phone learns by itself that its signature
// certificate ended alone, and asks for another with the card that the desk renewed.
func TestAPhoneWhoseHolderMovedOffersANewSignatureCertificate(t *testing.T) {
	w := newTown(t)
	c := w.hanako()
	p := w.phone("t2")
	w.enrol(c, p)
	who := resident("hanako", "手形　花子", time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC))
	who.Attributes.Address = "見本県手形市二丁目1番1号"
	who.Attributes.AddressSubstitution = pki.NoSubstitution(who.Attributes.Address)
	_, err := w.ra.RegisterEvent(t.Context(), "city", ra.RegisterEvent{ID: "e1", Person: "hanako", Kind: ra.EventMoved, Attributes: &who.Attributes})
	w.must(err)
	if l, err := p.Look(t.Context()); err != nil || l.SignEnded {
		t.Errorf("known before anybody was asked: %v %v", l.SignEnded, err)
	}
	s := w.screen(t)
	s.open("/p/t2/")
	s.at("/p/t2/", "失効しました", "署名用を新しくする")
	s.open("/p/t2/certificate")
	s.at("/p/t2/certificate", "失効しました", "住所や氏名など、登録の内容が変わったため")
	if v := w.said("t2"); states(v) != "good revoked" {
		t.Errorf("it says %s", states(v))
	}
	if l, err := w.restart("t2").Look(t.Context()); err != nil || !l.SignEnded {
		t.Errorf("forgotten after a restart: %v", err)
	}
	p = w.restart("t2")

	// At the desk the same card gets its new certificate.
	csr, err := c.NewSignatureKey("order")
	w.must(err)
	issued, err := w.ra.ReissueCard(t.Context(), "city", ra.CardReissue{ID: "s1", Card: "hanako", Person: who, SignCSR: csr})
	w.must(err)
	w.must(c.TakeSignature(issued.Certificates.Sign, issued.Authorities.Sign, password(t, cardPassword)))
	away := w.hold(c, p)
	w.must(p.ApplyForSign(t.Context(), password(t, cardPassword), w.ra.Terms().Version, false))
	w.must(p.MakeSignKey(t.Context(), password(t, "NEWWORD77"), secret.Password{}))
	away()
	if v := w.said("t2"); states(v) != "good good" {
		t.Errorf("afterwards it says %s", states(v))
	}
}
