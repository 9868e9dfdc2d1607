package cases

import "github.com/ocsgo/ocs/conformance"

// pending is in the order of the areas.
var pending = []conformance.Pending{}
