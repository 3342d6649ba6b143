package street

import (
	"net/http"

	"tegata/internal/ui"
)

// offer is one thing that people can or will be able to do here. Words are in
// the catalogue under offer.ID and offer.about.ID.
type offer struct {
	ID   string
	Role string // role that must run for it
	Path string // where at that role's door it begins
	Here string // or where on this street
	URL  string // where to do it now; "" where there is no page for it, or it does not run
	Runs bool
}

// offerGroup is what one looks for together, headed offers.group.ID.
type offerGroup struct {
	ID     string
	Offers []offer
}

// offersPage says what works now and what is only planned. Planned things have
// no link: nothing here pretends.
type offersPage struct {
	Now     []offerGroup
	Planned []offer
}

// offersNow lists what is built, by the role it needs.
func offersNow() []offerGroup {
	return []offerGroup{
		{"begin", []offer{
			{ID: "register", Role: "phone"}, {ID: "biometrics", Role: "phone"}, {ID: "login", Role: "portal"}, {ID: "cross", Role: "portal"},
			{ID: "guide", Role: "portal", Path: "/help"},
		}},
		{"use", []offer{
			{ID: "documents", Role: "verifier", Here: "/shop"}, {ID: "bank", Role: "bank"}, {ID: "carrier", Role: "carrier"},
			{ID: "pay", Role: "pay"}, {ID: "till", Role: "pay", Path: "/till"},
		}},
		{"safe", []offer{
			{ID: "lost", Role: "portal", Path: "/lost"}, {ID: "found", Role: "phone"}, {ID: "receipt", Role: "portal", Path: "/receipt"},
			{ID: "limits", Role: "portal", Path: "/rules"}, {ID: "trial", Role: "verifier", Here: "/shop"}, {ID: "trusted", Role: "portal", Path: "/trusted"},
		}},
		{"behind", []offer{
			{ID: "card", Role: "cards", Here: "/cards"}, {ID: "status", Role: "issuer", Here: "/trace"}, {ID: "headless", Role: "phone", Here: "/residents"}, {ID: "desk", Role: "municipality"},
			{ID: "helpdesk", Role: "helpdesk"}, {ID: "helper", Role: "helpdesk", Path: "/helper"},
		}},
	}
}

// offersPlanned lists what is not built yet.
func offersPlanned() []offer {
	return []offer{{ID: "kiosk"}, {ID: "clinic"}, {ID: "moving"}, {ID: "health"}}
}

// offers shows 使えるサービス.
func (h *Handler) offers(w http.ResponseWriter, r *http.Request) {
	page := offersPage{Now: offersNow(), Planned: offersPlanned()}
	for _, g := range page.Now {
		for i, o := range g.Offers {
			_, runs := h.conf.service(o.Role)
			g.Offers[i].Runs = runs
			switch {
			case !runs:
			case o.Here != "":
				g.Offers[i].URL = o.Here
			default:
				g.Offers[i].URL = h.conf.origin(o.Role) + o.Path
			}
		}
	}
	h.show(w, r, ui.Screen{Page: "offers", Data: page})
}
