package phone_test

import (
	"testing"

	"tegata/holder/phone"
)

func TestTheListOfSupportedPhones(t *testing.T) {
	list := phone.List()
	if len(list) < 4 || len(phone.SupportedModels()) != len(list)-1 {
		t.Fatalf("%d models, %d of them supported", len(list), len(phone.SupportedModels()))
	}
	ids, names := map[string]bool{}, map[string]bool{}
	for _, l := range list {
		if l.ID == "" || l.JA == "" || l.EN == "" || l.Manufacturer != phone.Manufacturer || ids[l.ID] || names[l.Model] {
			t.Errorf("%+v", l)
		}
		ids[l.ID], names[l.Model] = true, true
	}
	for _, m := range phone.SandboxModels() { // the wrong ones pretend to be one of the list
		if !names[m.Hardware.Model] {
			t.Errorf("the list does not speak of %s", m.Hardware.Model)
		}
	}
	for said, want := range map[string]struct{ found, supported bool }{
		"T-1": {true, true}, "t1": {true, true}, "Tegata Sandbox T 2": {true, true}, "手形フォン　T-3 mini": {true, true},
		"T-0": {true, false}, "Pixel 7": {}, "": {}, " ": {}, "T": {},
	} {
		if l, found := phone.Looked(said); found != want.found || l.Supported != want.supported {
			t.Errorf("%q: %v %+v", said, found, l)
		}
	}
}
