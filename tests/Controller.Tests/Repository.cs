namespace Bulkhead.Controller.Tests;

/// <summary>Finds files of the repository that the tests were built in.</summary>
internal static class Repository
{
    public static string PathOf(string file)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Bulkhead.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not run within the repository.");
        }

        return Path.Combine(folder.FullName, file);
    }
}
