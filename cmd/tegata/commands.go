package main

// commands lists everything `tegata` does, in the order of `tegata help`.
func commands() []command {
	return []command{
		{"up", "[-data DIR] [-listen 127.0.0.1:8400]", "the whole neighbourhood in one process", up},
		{"init", "-data DIR [-listen HOST:PORT] | -config FILE ROLE…", "make a sandbox, or state for production roles, and stop", initState},
		{"serve", "-config FILE ROLE…", "chosen roles for production; makes nothing", serve},
		{"card list", "[-json]", "the cards of the sandbox", cardList},
		{"card show", "CARD [-json]", "one card", cardShow},
		{"card insert", "CARD -into phone:ID|helpdesk:1|vpcd:HOST:PORT [-secrets FILE]", "hold a card to a slot until interrupted", cardInsert},
		{"card new", "CARD -resident ID", "a further card for a resident of the register", cardNew},
		{"phone list", "[-json]", "the phones of this machine", phoneList},
		{"phone new", "PHONE [-model MODEL] [-resident ID]", "make a virtual phone", phoneNew},
		{"phone show", "PHONE [-json]", "one phone", phoneShow},
		{"phone enrol", "PHONE [-card CARD] [-reader vpcd|pcsc:NAME] -secrets FILE", "the whole registration without a screen", phoneEnrol},
		{"phone approve", "PHONE -request URL -secrets FILE [-match NN] [-refuse]", "answer a request without a screen", phoneApprove},
		{"phone sign", "PHONE -in FILE -out FILE.p7s -secrets FILE", "a detached CMS signature", phoneSign},
		{"phone power", "PHONE on|off", "switch a phone on or off", phonePower},
		{"phone checkin", "PHONE", "check in now", phoneVerb("checkin")},
		{"phone stop", "PHONE", "stop using the certificates", phoneVerb("stop")},
		{"phone reset", "PHONE", "factory reset", phoneVerb("reset")},
		{"phone found", "PHONE [-card CARD] -secrets FILE", "resume a lost phone with its owner's card", phoneFound},
		{"phone reissue", "PHONE [-card CARD] -secrets FILE", "a new signature certificate for a registered phone", phoneReissue},
		{"phone report-lost", "PHONE [-card CARD] -secrets FILE", "suspend by card: hold it to any phone", phoneReportLost},
		{"phone change-secret", "PHONE -secrets FILE", "change PIN or signature password, by the present one", phoneChangeSecret},
		{"phone reset-pin", "PHONE -secrets FILE", "a new PIN, by the signature password", phoneResetPIN},
		{"phone reset-password", "PHONE [-card CARD] -secrets FILE", "a new signature password with a new certificate, by the card", phoneResetPassword},
		{"phone suspend", "-lock-code FILE", "suspend by lock code, from anywhere", phoneSuspend},
		{"clock show", "", "the neighbourhood's time", clockShow},
		{"clock advance", "DURATION", "time travel, forward only", clockAdvance},
		{"bench", "[-quick] [-json] [NAME…]", "this machine's figures beside their limits, measured now", benchCommand},
		{"party certify", "-config FILE -id ID -role ROLE -origin URL -request FILE.csr -out FILE.pem", "production: a certificate under the ops authority", partyCertify},
		{"party register", "-config FILE -in FILE.json -certificate FILE.pem", "production: register an asking party with the verifier", partyRegister},
		{"party end", "-config FILE -id ID", "production: end a party's registration", partyEnd},
		{"party revoke", "-config FILE -serial HEX -reason REASON", "production: revoke a party's certificate", partyRevoke},
		{"audit check", "[-data DIR] | -config FILE ROLE…", "recompute the audit chains", auditCheck},
	}
}
