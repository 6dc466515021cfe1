using Microsoft.Extensions.FileProviders;

namespace Bulkhead.Controller.Hosting;

/// <summary>Serves the built console: files with hashed names for ever, everything else only after asking again; any other page is the console's own.</summary>
public static class ConsoleFiles
{
    private const string Index = "index.html";

    /// <summary>The folder to serve: the given one, else <c>wwwroot</c> beside the program; null if there is none.</summary>
    public static string? Find(string? given)
    {
        var folder = given ?? Path.Combine(AppContext.BaseDirectory, "wwwroot");
        return File.Exists(Path.Combine(folder, Index)) ? Path.GetFullPath(folder) : null;
    }

    /// <summary>Adds the files, which need no sign-in.</summary>
    public static void Use(WebApplication app, string folder)
    {
        var files = new StaticFileOptions { FileProvider = new PhysicalFileProvider(folder), OnPrepareResponse = context => SetCaching(context.Context) };
        app.UseStaticFiles(files);
        app.MapFallbackToFile("{*path:nonfile}", Index, files).AllowAnonymous();
    }

    private static void SetCaching(HttpContext context) =>
        context.Response.Headers.CacheControl = context.Request.Path.StartsWithSegments("/assets", StringComparison.Ordinal) ? "public, max-age=31536000, immutable" : "no-cache";
}
