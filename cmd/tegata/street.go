package main

import (
	"context"
	"net/http"
	"path/filepath"

	"tegata/internal/ceremony"
	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/ui"
	"tegata/issuer/profile"
	"tegata/sandbox"
	"tegata/services/street"
)

// buildStreet makes the start page, which answers while all others are made.
func (n *neighbourhood) buildStreet(context.Context) error {
	var services []street.Service
	for _, d := range doors() {
		services = append(services, street.Service{Role: d.role, URL: n.settings.url(d.role), Title: d.title})
	}
	n.sender = street.NewSender(n.settings.machine("street"), n.token, nil)
	answering, err := answeringShown()
	if err != nil {
		return err
	}
	n.street, err = street.New(street.Config{
		Services: services, Readers: []street.Reader{{Slot: helpdeskSlot, Address: n.settings.readerAt(helpdeskReader), KeyPad: true}, {Slot: paySlot, Address: n.settings.readerAt(payReader)}}, Origin: n.settings.page("street"), Token: n.token, Assertion: n.streetAssertion,
		Shop:      n.shopKey,
		Answering: answering, Prepare: n.prepareAnswering,
		Progress: n.progress.now, People: n.people, Secrets: n.shownSecrets, Clock: fullClock{n}, Log: n.log.With("role", "street"),
	})
	if err != nil {
		return err
	}
	n.doors["street"].set(n.settings.ownName("street", n.streetRoutes()))
	return nil
}

// streetRoutes are the street's, with the description of those for programs.
func (n *neighbourhood) streetRoutes() http.Handler {
	metrics, described := httpd.NewMetrics(), httpd.NewMux()
	withOpenAPI(described, "street")
	routes, own := n.street.Routes(n.settings.names("street"), metrics), n.guarded(n.settings, "street", metrics, described)
	return described.Behind(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == openapiPath {
			own.ServeHTTP(w, r)
			return
		}
		routes.ServeHTTP(w, r)
	}))
}

// streetAssertion proves the street to the issuer's outbox, by a certificate of its
// own. Until the issuer is there it cannot.
func (n *neighbourhood) streetAssertion(ctx context.Context, audience string) (string, error) {
	if n.streetRoom == nil {
		return "", errBeingMade
	}
	party := profile.Party{ID: streetID, Role: pki.RoleStreet, Origins: []string{n.settings.page("street")}}
	who, err := certify(ctx, n.issuer.ca, n.streetRoom, "sign", party, n.clock.Now())
	if err != nil {
		return "", err
	}
	return ceremony.SignClientAssertion(who.signer, who.chain, ceremony.NewClientAssertion(streetID, audience, n.clock.Now()))
}

// people are the residents as the start page shows them.
func (n *neighbourhood) people(context.Context) ([]street.Person, error) {
	towns, people, err := sandbox.People()
	if err != nil {
		return nil, err
	}
	var all []street.Person
	for _, p := range people {
		s := street.Person{ID: p.ID, Name: p.Name, Kana: p.Kana, Alias: p.Alias, BirthDate: p.Birth,
			About: ui.Text{JA: p.AboutJA, EN: p.AboutEN}, Card: p.ID, Phone: p.Phone(), Mailbox: p.ID, First: p.First}
		for _, t := range towns {
			if t.Code == p.Municipality {
				s.Municipality = ui.Text{JA: t.City, EN: t.NameEN}
			}
		}
		all = append(all, s)
	}
	answering, err := answeringShown()
	if err != nil {
		return nil, err
	}
	for _, p := range answering {
		if n.madeAnswering(p.ID) {
			all = append(all, p)
		}
	}
	return all, nil
}

// shownSecrets reads the sandbox's secrets each time a person asks for them.
func (n *neighbourhood) shownSecrets() (street.Secrets, error) {
	kept, err := sandbox.OpenSecrets(filepath.Join(n.dir, sandboxSecrets), durable.Files{})
	if err != nil {
		return street.Secrets{}, err
	}
	_, people, err := sandbox.People()
	if err != nil {
		return street.Secrets{}, err
	}
	s := street.Secrets{Cards: map[string]street.CardSecrets{}, Phones: map[string]street.PhoneSecrets{}, Tills: map[string]street.Shown{}}
	for shop, code := range kept.Tills() {
		s.Tills[shop] = street.Show(code)
	}
	for _, id := range kept.CardIDs() {
		if card, _ := kept.Known(id); card != nil {
			s.Cards[id] = street.CardSecrets{SignaturePassword: street.Show(card.CardSignaturePassword), AuthPIN: street.Show(card.CardAuthPIN),
				InputPIN: street.Show(card.CardInputPIN), ResidentPIN: street.Show(card.CardResidentPIN)}
		}
	}
	phones := make([]string, 0, len(people))
	for _, p := range people {
		phones = append(phones, p.Phone())
	}
	answering, err := sandbox.AnsweringResidents()
	if err != nil {
		return street.Secrets{}, err
	}
	for _, a := range answering {
		phones = append(phones, a.Phone())
	}
	for _, id := range phones {
		if _, phone := kept.Known(id); phone != nil {
			s.Phones[id] = street.PhoneSecrets{AuthPIN: street.Show(phone.PhoneAuthPIN), SignaturePassword: street.Show(phone.PhoneSignaturePassword),
				LockCode: street.Show(phone.LockCode)}
		}
	}
	return s, nil
}
