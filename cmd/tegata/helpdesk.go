package main

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tegata/holder/card"
	"tegata/holder/reader"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/sandbox"
	"tegata/services/desk"
	"tegata/services/helpdesk"
	"tegata/services/helpdesk/pages"
	helpdeskstore "tegata/store/helpdesk"
)

// helpdeskSlot is the reader of the helpdesk's one desk, and where it listens from the
// base port.
const (
	helpdeskSlot   = "helpdesk:1"
	helpdeskReader = 18
)

// readerAt is host:port of a terminal's reader, so many ports from the base.
func (s settings) readerAt(offset int) string {
	host, port, err := s.address()
	if err != nil {
		panic("cmd: settings were not checked: " + err.Error())
	}
	return net.JoinHostPort(host, strconv.Itoa(port+offset))
}

// helpdeskRole is the helpdesk.
type helpdeskRole struct {
	*room
	helpdesk *helpdesk.Helpdesk
	reader   *reader.Reader
	handler  *pages.Handler
}

// openHelpdesk opens the helpdesk's room and its desk, whose reader listens at slot.
func (b build) openHelpdesk(ctx context.Context, at site, slot string) (*helpdeskRole, error) {
	r, err := b.openRoom(ctx, at.base, "helpdesk", helpdeskstore.Schema)
	if err != nil {
		return nil, err
	}
	h := &helpdeskRole{room: r}
	if err := h.open(ctx, at, slot); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *helpdeskRole) open(ctx context.Context, at site, slot string) error {
	party := profile.Party{ID: helpdeskID, Role: pki.RoleHelpdesk, Origins: []string{at.page("helpdesk")}}
	who, err := at.certify(ctx, h.room, "sign", party)
	if err != nil {
		return err
	}
	h.helpdesk, err = helpdesk.New(helpdesk.Config{Party: helpdeskID, Issuer: at.machine("issuer"),
		Signer: who.signer, Chain: who.chain, Now: at.now, Log: h.log,
		Reporters: helpdesk.Reporters{Audience: at.machine("helpdesk"), Parties: []string{portalID}, Path: at.partyPath}}, helpdeskstore.New(h.db))
	if err != nil {
		return err
	}
	if h.reader, err = reader.Listen(slot); err != nil {
		return usagef("%v; stop the program that has this port, or make another sandbox with `tegata init -data DIR -listen HOST:PORT`", err)
	}
	var cards []*x509.Certificate
	for _, a := range at.anchors {
		if a.Kind == pki.CardAuth {
			cards = append(cards, a.Certificate)
		}
	}
	place, err := desk.New(desk.Config{Name: helpdeskSlot, Origin: at.page("helpdesk"), Reader: h.reader, Arc: at.arc, Roots: cards,
		Status: certpath.OCSP{Client: httpd.Client(5 * time.Second)}, Whose: h.helpdesk.Whose, Roster: h.helpdesk, Now: at.now, Log: h.log})
	if err != nil {
		return err
	}
	h.handler, err = pages.New(pages.Options{Helpdesk: h.helpdesk, Desk: place, Origin: at.page("helpdesk"), Hold: at.page("street") + "/hold",
		Sandbox: at.sandbox, Secure: !at.sandbox, Now: at.now, Log: h.log})
	return err
}

// Close takes away what lies in the reader, and closes the room.
func (h *helpdeskRole) Close() error {
	var err error
	if h.reader != nil {
		err = h.reader.Close()
	}
	return errors.Join(err, h.room.Close())
}

// routes are the helpdesk's pages.
func (h *helpdeskRole) routes(at places) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, h.db.Ping)
	httpd.WithMetrics(mux, h.metrics)
	mux.Handle("/v1/", helpdesk.Door{Helpdesk: h.helpdesk}.Routes())
	mux.Handle("/", h.handler.Routes())
	refuse := func(w http.ResponseWriter, r *http.Request, err error) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			httpd.WriteProblem(w, r, err)
			return
		}
		h.handler.Refuse(w, r, err)
	}
	return httpd.Guard(httpd.GuardOptions{Names: at.names("helpdesk"), Pages: true, Log: h.log, Metrics: h.metrics, Refuse: refuse}, mux)
}

// fillRoster puts the sandbox's agents on the helpdesk's roster, as whoever keeps it does
// with their cards on the table. Whose card is not there is no agent.
func (n *neighbourhood) fillRoster(ctx context.Context) error {
	agents, err := sandbox.Agents()
	if err != nil {
		return err
	}
	for _, a := range agents {
		certificate, err := n.cards.Certificate(a.Resident)
		if errors.Is(err, card.ErrNoCard) {
			n.log.WarnContext(ctx, "an agent of the helpdesk has no card", "role", "helpdesk", "agent", a.ID)
			continue
		}
		if err != nil {
			return err
		}
		if err := n.helpdesk.helpdesk.Enrol(ctx, a.ID, certificate); err != nil {
			return err
		}
	}
	return nil
}
