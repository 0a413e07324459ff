from digitlib.extras import need

need("notebooks", "papermill", "psutil", "yaml")
