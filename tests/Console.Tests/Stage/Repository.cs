namespace Bulkhead.Console.Tests.Stage;

/// <summary>Where the built console and axe lie.</summary>
internal static class Repository
{
    private static readonly string s_root = FindRoot();

    /// <summary>The folder with the built console.</summary>
    public static string Console { get; } = Built("console/dist/index.html", "npm --prefix console ci && npm --prefix console run build") is var index ? Path.GetDirectoryName(index)! : "";

    /// <summary>The script of the accessibility checker.</summary>
    public static string Axe { get; } = Built("console/node_modules/axe-core/axe.min.js", "npm --prefix console ci");

    /// <summary>The committed description of REST.</summary>
    public static string OpenApi { get; } = Path.Combine(s_root, "console", "openapi.json");

    /// <summary>The folder for pictures of what was seen.</summary>
    public static string Results { get; } = Path.Combine(s_root, "TestResults", "console");

    private static string Built(string path, string remedy)
    {
        var full = Path.Combine(s_root, path);
        return File.Exists(full) ? full : throw new FileNotFoundException($"{path} is not built. Run: {remedy}", path);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Bulkhead.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("The tests run within the repository: no Bulkhead.slnx above them.");
    }
}
