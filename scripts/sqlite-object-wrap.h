// Read ahead of better-sqlite3's sources when they are compiled. From Node 24.19 on, node::ObjectWrap unregisters a clean-up
// hook in its destructor and aborts the process when that runs in a garbage collection outside of any context, as idle ones
// do (nodejs/node#65446). better-sqlite3 closes its databases by a hook of its own and needs none of these.
#include <node.h>

namespace node {
inline void NoCleanupHook(v8::Isolate*, void (*)(void*), void*) {}
}  // namespace node

#define AddEnvironmentCleanupHook NoCleanupHook
#define RemoveEnvironmentCleanupHook NoCleanupHook
#include <node_object_wrap.h>
#undef AddEnvironmentCleanupHook
#undef RemoveEnvironmentCleanupHook
