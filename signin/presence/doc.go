// Package presence makes a registered endpoint present: it subscribes to the user's own data, publishes
// the endpoint's state, and maps the categories of OCS 2007 and later to a status (MS-PRES, MS-CONMGMT).
//
// The files, in the order in which data passes them:
//
//	presence.go      New, Start, Publish, Notify: the life of the user's own presence
//	subscription.go  one subscription to the user's own data
//	publication.go   what is published, with versions, and the answer to a conflict
//	document.go      the XML that the server sends
package presence
