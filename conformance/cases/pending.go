package cases

import "github.com/ocsgo/ocs/conformance"

// pending is in the order of the areas.
var pending = []conformance.Pending{
	{ID: "reg/removed-too-many-endpoints", Reason: "the simulator does not limit endpoints"},
	{ID: "pres/notify-before-200", Reason: "the simulator cannot send a notification before the answer to SUBSCRIBE"},
	{ID: "rob/lws-folding", Reason: "rob/varied-forms has it, together with the others; alone the simulator cannot write it"},
	{ID: "rob/compact-forms", Reason: "rob/varied-forms has it, together with the others; alone the simulator cannot write it"},
	{ID: "rob/header-case", Reason: "rob/varied-forms has it, together with the others; alone the simulator cannot write it"},
	{ID: "rob/ntlm-mutations", Reason: "the simulator cannot change its challenges; the fuzz targets of sip/auth do"},
	{ID: "rob/gssapi-params-mutations", Reason: "as rob/ntlm-mutations"},
	{ID: "rob/rfc4475-messages", Reason: "the torture messages are fuzz seeds of package sip, not cases"},
}
