package main

import (
	"context"
	"errors"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/sandbox"
	"tegata/services/municipality"
	municipalitystore "tegata/store/municipality"
)

// municipalityRole is the register of the sandbox's two municipalities.
type municipalityRole struct {
	*room
	register *municipality.Register
	handler  *municipality.Handler
}

// openMunicipality opens the register's room.
func (b build) openMunicipality(ctx context.Context, at site, token httpd.OperatorToken) (*municipalityRole, error) {
	r, err := b.openRoom(ctx, at.base, "municipality", municipalitystore.Schema)
	if err != nil {
		return nil, err
	}
	m := &municipalityRole{room: r}
	if err := m.build(ctx, at, token); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return m, nil
}

// build makes the role with a certificate that is valid now; while the sandbox is
// walked through years it is called again.
func (m *municipalityRole) build(ctx context.Context, at site, token httpd.OperatorToken) error {
	party := profile.Party{ID: municipalityID, Role: pki.RoleMunicipality, Origins: []string{at.machine("municipality")}}
	who, err := at.certify(ctx, m.room, "sign", party)
	if err != nil {
		return err
	}
	towns, _, err := sandbox.People()
	if err != nil {
		return err
	}
	var all []municipality.Municipality
	for _, t := range towns {
		all = append(all, municipality.Municipality{Code: t.Code, Prefecture: t.Prefecture, City: t.City,
			PrefectureLatin: t.PrefectureLatin, CityLatin: t.CityLatin})
	}
	m.register = municipality.New(municipalitystore.New(m.db), municipality.Config{
		Municipalities: all, Party: municipalityID, Signer: who.signer, Chain: who.chain, Issuer: at.machine("issuer"),
		Cards: at.machine("cards"), CardsToken: token, Now: at.now, Client: httpd.Client(30 * time.Second), Log: m.log, Trace: at.sink,
	})
	pages, err := municipality.OpenPages()
	if err != nil {
		return err
	}
	m.handler = &municipality.Handler{Register: m.register, Admit: municipality.Operator(token), Pages: pages, Officer: municipality.SandboxDesk,
		Ready: func(ctx context.Context) error { return m.db.Ping(ctx) },
		Guard: httpd.GuardOptions{Names: at.names("municipality"), Log: m.log, Metrics: m.metrics}}
	return nil
}
