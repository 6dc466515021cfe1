namespace Bulkhead.Scenarios;

/// <summary>The built programs, which lie in sibling folders of this one: <c>out/controller</c>, <c>out/agent</c>, <c>out/cli</c>, <c>out/demo</c>.</summary>
internal static class Programs
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, ".."));

    /// <summary><c>bulkhead-controller</c>.</summary>
    public static string Controller => Find("controller", "bulkhead-controller");

    /// <summary><c>bulkhead-agent</c>.</summary>
    public static string Agent => Find("agent", "bulkhead-agent");

    /// <summary><c>bulkhead</c>.</summary>
    public static string Cli => Find("cli", "bulkhead");

    /// <summary><c>lab</c>, which lies beside us.</summary>
    public static string Lab { get; } = Path.Combine(AppContext.BaseDirectory, "lab");

    private static string Find(string folder, string name)
    {
        var path = Path.Combine(Root, folder, name);
        return File.Exists(path) ? path : throw new StoryException($"{path} is missing: scripts/build.sh builds it");
    }
}
