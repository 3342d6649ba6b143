package street

import (
	"net/http"
	"strings"

	"tegata/internal/ui"
)

// offer is one thing that people can or will be able to do here. Words are in
// the catalogue under offers.ID and offers.ID.about.
type offer struct {
	ID   string
	Role string // role that must run for it
	URL  string // where to do it; filled for what works
	Runs bool
}

// offersPage says what works now and what is only planned. Planned things have
// no link: nothing here pretends.
type offersPage struct {
	Now     []offer
	Planned []offer
	Secrets *secretsBox // the code of a till that somebody pressed for
	Trouble *ui.Trouble
}

// offersNow lists what is built, by the role it needs.
func offersNow() []offer {
	return []offer{
		{ID: "register", Role: "phone"}, {ID: "login", Role: "portal"}, {ID: "cross", Role: "portal"}, {ID: "biometrics", Role: "phone"},
		{ID: "status", Role: "issuer"}, {ID: "lost", Role: "portal"}, {ID: "found", Role: "phone"}, {ID: "receipt", Role: "portal"},
		{ID: "card", Role: "cards"}, {ID: "desk", Role: "municipality"}, {ID: "headless", Role: "phone"},
		{ID: "helpdesk", Role: "helpdesk"}, {ID: "helper", Role: "helpdesk"},
		{ID: "limits", Role: "portal"}, {ID: "trusted", Role: "portal"}, {ID: "guide", Role: "portal"}, {ID: "documents", Role: "verifier"}, {ID: "bank", Role: "bank"}, {ID: "carrier", Role: "carrier"}, {ID: "pay", Role: "pay"}, {ID: "till", Role: "pay"}, {ID: "trial", Role: "verifier"},
	}
}

// offersPlanned lists what is not built yet.
func offersPlanned() []offer {
	return []offer{
		{ID: "kiosk"}, {ID: "clinic"}, {ID: "moving"},
		{ID: "health"},
	}
}

// offers shows 使えるサービス.
func (h *Handler) offers(w http.ResponseWriter, r *http.Request) {
	page := offersPage{Now: offersNow(), Planned: offersPlanned()}
	for i, o := range page.Now {
		_, page.Now[i].Runs = h.conf.service(o.Role)
		switch o.ID {
		case "register", "biometrics", "found":
			page.Now[i].URL = h.conf.origin("phone")
		case "login", "cross":
			page.Now[i].URL = h.conf.origin("portal")
		case "status":
			page.Now[i].URL = "/trace"
		case "lost":
			page.Now[i].URL = h.conf.origin("portal") + "/lost"
		case "receipt":
			page.Now[i].URL = h.conf.origin("portal") + "/receipt"
		case "trusted":
			page.Now[i].URL = h.conf.origin("portal") + "/trusted"
		case "guide":
			page.Now[i].URL = h.conf.origin("portal") + "/help"
		case "limits":
			page.Now[i].URL = h.conf.origin("portal") + "/rules"
		case "trial":
			page.Now[i].URL = "/shop"
		case "card":
			page.Now[i].URL = "/cards"
		case "helpdesk":
			page.Now[i].URL = h.conf.origin("helpdesk")
		case "helper":
			page.Now[i].URL = h.conf.origin("helpdesk") + "/helper"
		case "bank", "carrier", "pay":
			page.Now[i].URL = h.conf.origin(o.ID)
		case "till":
			page.Now[i].URL = h.conf.origin("pay") + "/till"
		case "documents":
			page.Now[i].URL = "/shop"
		case "desk":
			page.Now[i].URL = h.conf.origin("municipality")
		}
	}
	if which := r.FormValue("secrets"); strings.HasPrefix(which, "till-") {
		var err error
		if page.Secrets, err = h.secretsFor(which); err != nil {
			page.Trouble = h.trouble(w, err)
		}
	}
	h.show(w, r, ui.Screen{Page: "offers", Data: page})
}
